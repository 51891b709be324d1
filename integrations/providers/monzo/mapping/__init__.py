"""Monzo's wire format to objects, events and blocks: pure functions, no network and no database."""
