"""Real processes, killed at the worst moments: nothing may be lost, and nothing done twice."""
