"""Tokens of vendors: asked for, kept, refreshed and sent, one at a time: docs/connections.md, "Tokens"."""

from integrations.tokens.client_credentials import ClientCredentials
from integrations.tokens.credential import CredentialToken
from integrations.tokens.endpoint import ClientSecrets, TokenEndpoint
from integrations.tokens.errors import NeedsReconnect, TokenRefused
from integrations.tokens.reply import TokenReply

__all__ = [
    "ClientCredentials",
    "ClientSecrets",
    "CredentialToken",
    "NeedsReconnect",
    "TokenEndpoint",
    "TokenRefused",
    "TokenReply",
]
