"""Seeing the whole platform work on one machine: what is behind `manage.py dev`."""
