"""Helpers for developing syncplatform; nothing here runs in production."""
