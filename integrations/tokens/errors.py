"""What can go wrong with tokens besides what can go wrong with any call."""

from __future__ import annotations

from integrations.http.errors import Action, IntegrationError, Unauthorized


class TokenRefused(Unauthorized):
    """The token endpoint does not take the client, its secret, the code or the refresh token."""

    summary = "the vendor gives no token"
    renewable = False


class NeedsReconnect(Unauthorized):
    """The credential is not in use: somebody has to connect it again or enter it anew."""

    code = "reauth"
    summary = "the connection has to be connected again"
    actionable_message = "Open the credential and press Reconnect; then run the work again."
    renewable = False


class TokenEndpointDown(IntegrationError):
    """The token endpoint failed a moment ago and is not asked again yet."""

    code = "token_endpoint_down"
    action = Action.POSTPONE
    summary = "the token endpoint failed a moment ago"
    actionable_message = "Nothing to do: it is asked again. If it persists, look at the vendor's status page."
