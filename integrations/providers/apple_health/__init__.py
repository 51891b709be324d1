"""Apple Health, as the app Health Auto Export sends it: docs/apple-health.md."""
