"""The writer of activity: events, the objects between which they happen, and their blocks."""
