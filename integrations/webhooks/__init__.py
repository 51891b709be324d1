"""Receiving webhooks: docs/webhooks.md."""
