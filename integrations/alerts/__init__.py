"""From a job's or run's end to an alert, and from an alert to whoever must know."""
