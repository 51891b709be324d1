"""Connecting an account through a vendor's consent page (OAuth 2): docs/connections.md, "Connecting"."""

from integrations.oauth.declaration import Identity, OAuth

__all__ = ["Identity", "OAuth"]
