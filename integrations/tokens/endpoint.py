"""Asking a vendor's token endpoint (RFC 6749): oauthlib says what is sent, ApiSession sends it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

from oauthlib.oauth2 import BackendApplicationClient, Client, WebApplicationClient

from integrations.http.deadline import Deadline
from integrations.http.errors import IntegrationError
from integrations.http.pacing import CallBudget
from integrations.http.response import ApiResponse, json_object
from integrations.http.retry import RetryPolicy
from integrations.http.session import ApiSession
from integrations.tokens.errors import TokenRefused
from integrations.tokens.reply import TokenReply, read_reply
from synclogs.redaction import register_secret

ONCE = RetryPolicy(attempts=1)
MAX_BODY_BYTES = 1024 * 1024
REFUSALS = frozenset({"invalid_client", "invalid_grant", "unauthorized_client", "access_denied"})
FORM = "application/x-www-form-urlencoded"


@dataclass(frozen=True, slots=True)
class ClientSecrets:
    """What a vendor knows a client by; the secret is empty for a public client."""

    client_id: str
    client_secret: str = field(repr=False, default="")


@dataclass(frozen=True, slots=True)
class TokenEndpoint:
    """One vendor's token endpoint.

    `client_auth` says how the client proves itself: in the form ("body") or by HTTP Basic ("basic").
    `refusals` are the statuses that mean a refused credential whatever the body says; 400 does where its
    `error` says so. A call takes at most `timeout` seconds, as a row is locked meanwhile, and never goes on
    after `deadline`.
    """

    provider: str
    url: str
    client_auth: Literal["body", "basic"] = "body"
    refusals: frozenset[int] = frozenset({401, 403})
    budget: CallBudget | None = None
    timeout: float = 12.0
    deadline: Deadline | None = None

    def client_credentials(self, client: ClientSecrets, scope: str | None = None) -> TokenReply:
        """A token for the client itself (section 4.4). Raises TokenRefused or another IntegrationError."""
        protocol = BackendApplicationClient(client.client_id)
        return self._ask(
            protocol, client, lambda **extra: protocol.prepare_request_body(scope=scope, **extra)
        )

    def exchange(
        self, client: ClientSecrets, code: str, redirect_uri: str, code_verifier: str = ""
    ) -> TokenReply:
        """The token for an authorization code (sections 4.1.3, and RFC 7636 4.5). Raises as above."""
        register_secret(code)
        protocol = WebApplicationClient(client.client_id)

        def body(**extra: Any) -> str:
            return protocol.prepare_request_body(
                code=code, redirect_uri=redirect_uri, code_verifier=code_verifier or None, **extra
            )

        return self._ask(protocol, client, body)

    def refresh(self, client: ClientSecrets, refresh_token: str) -> TokenReply:
        """A new token for a refresh token (section 6). Raises as above; never sent twice."""
        protocol = WebApplicationClient(client.client_id)

        def body(**extra: Any) -> str:
            return protocol.prepare_refresh_body(
                refresh_token=refresh_token, client_id=client.client_id, **extra
            )

        return self._ask(protocol, client, body)

    def _ask(self, protocol: Client, client: ClientSecrets, body: Callable[..., str]) -> TokenReply:
        in_body = self.client_auth == "body"
        timeout = self._seconds()
        extra: dict[str, Any] = {"include_client_id": in_body}
        if in_body and client.client_secret:
            extra["client_secret"] = client.client_secret
        with ApiSession(
            self.url,
            provider=self.provider,
            auth=None if in_body else (client.client_id, client.client_secret),
            secrets=(client.client_secret,),
            connect_timeout=min(5.0, timeout),
            read_timeout=timeout,
            total_timeout=timeout,
            retry=ONCE,
            budget=self.budget,
            max_body_bytes=MAX_BODY_BYTES,
            explain=self._explain,
        ) as session:
            return session.request(
                "POST",
                data=body(**extra).encode("ascii"),
                headers={"Content-Type": FORM, "Accept": "application/json"},
                parse=lambda response: read_reply(response, protocol),
            )

    def _seconds(self) -> float:
        """How long a call may take. Raises DeadlinePassed when there is no time left."""
        if self.deadline is None:
            return self.timeout
        self.deadline.check()
        return min(self.timeout, self.deadline.remaining())

    def _explain(self, response: ApiResponse, error: IntegrationError) -> IntegrationError:
        """Tell a refused credential from a vendor that is down."""
        code, message = _error_of(response.content)
        if response.status in self.refusals or (response.status == 400 and code in REFUSALS):
            said = f"HTTP {response.status} from the token endpoint: {message or code or error.summary}"
            return TokenRefused(said, provider=self.provider, status=response.status)
        return error


def _error_of(body: bytes) -> tuple[str, str]:
    """The error code and the vendor's words in a refusal (section 5.2); empty where there are none."""
    document = json_object(body)
    said = next(
        (str(document[name]) for name in ("message", "error_description", "error") if document.get(name)), ""
    )
    return str(document.get("error") or ""), said[:200]
