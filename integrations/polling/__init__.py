"""Which connections are due, and what is started for them: docs/staged.md, "Polling"."""
