"""A small vendor made up for tests, with all that a staged provider has: a diary whose entries are events."""
