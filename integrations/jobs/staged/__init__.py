"""Staged mode: fetch and hook jobs store chunks, processing jobs turn each into rows. docs/jobs.md."""
