"""Who may call the simulated API: clients with their secrets, tokens that expire, and the rate limit."""

from __future__ import annotations

import hmac
import secrets
import time
from collections import defaultdict, deque
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any
from urllib.parse import parse_qs

from integrations.providers.servicetitan.sandbox.problems import Problem
from integrations.providers.servicetitan.sandbox.switches import Switches
from integrations.sandbox import SandboxError, SandboxRequest, SandboxResponse

ENVIRONMENTS = ("integration", "production")
SCOPES = {"crm": "tn.crm.customers:r", "accounting": "tn.acc.invoices:r"}
APP_KEY = "ak1.sandbox"
FIRST_TENANT = 900_001


@dataclass(frozen=True, slots=True)
class Client:
    """One tenant's client of one environment."""

    client_id: str
    client_secret: str
    app_key: str
    tenant: int
    environment: str
    scopes: tuple[str, ...] = tuple(SCOPES.values())


def default_client(number: int, environment: str = "integration") -> Client:
    """The generated client of the tenant with this number, from 1."""
    name = f"sandbox.{environment}.{number}"
    return Client(f"cid.{name}", f"cs1.{name}.secret", APP_KEY, FIRST_TENANT + number - 1, environment)


def parse_client(client_id: str, document: Any) -> Client:
    """Check one client as received; raises SandboxError."""
    if not isinstance(document, dict):
        raise SandboxError(f"The client {client_id!r} must be an object or null.")
    known = {"client_secret", "app_key", "tenant", "environment", "scopes"}
    unknown = sorted(set(document) - known)
    if unknown:
        raise SandboxError(f"Unknown field {unknown[0]!r} of a client.", fields=sorted(known))
    if not isinstance(document.get("client_secret"), str) or not isinstance(document.get("tenant"), int):
        raise SandboxError(f"The client {client_id!r} needs a client_secret and a whole number as tenant.")
    if document.get("environment", "integration") not in ENVIRONMENTS:
        raise SandboxError(f"environment must be one of {', '.join(ENVIRONMENTS)}.")
    return Client(
        client_id,
        document["client_secret"],
        str(document.get("app_key", APP_KEY)),
        document["tenant"],
        document.get("environment", "integration"),
        tuple(document.get("scopes", SCOPES.values())),
    )


class Clients:
    """The clients, their tokens, and how often each tenant has called; not thread safe, its owner locks."""

    def __init__(self) -> None:
        self._clients: dict[str, Client] = {}
        self._tokens: dict[str, tuple[Client, float]] = {}
        self._calls: defaultdict[tuple[str, int], deque[float]] = defaultdict(deque)
        self.tokens_issued = 0

    def put(self, client: Client) -> None:
        """Add a client or replace it."""
        self._clients[client.client_id] = client

    def remove(self, client_id: str) -> None:
        """Delete a client with its tokens; unknown ones are ignored."""
        self._clients.pop(client_id, None)
        self._tokens = {text: held for text, held in self._tokens.items() if held[0].client_id != client_id}

    def expire_tokens(self) -> int:
        """Let every token expire now; returns how many."""
        count = len(self._tokens)
        self._tokens.clear()
        return count

    def describe(self) -> list[dict[str, Any]]:
        """Who may call, without secrets."""
        return [
            {"client_id": c.client_id, "tenant": c.tenant, "environment": c.environment, "scopes": c.scopes}
            for c in self._clients.values()
        ]

    def tenants(self) -> list[tuple[str, int]]:
        """Every (environment, tenant), once."""
        return sorted({(client.environment, client.tenant) for client in self._clients.values()})

    def token(self, request: SandboxRequest, environment: str | None, switches: Switches) -> SandboxResponse:
        """Answer a call of the token endpoint, as an OAuth 2.0 server answers."""
        form = parse_qs(request.body.decode("latin-1"), keep_blank_values=True)
        fields = {name: values[-1] for name, values in form.items()}
        if fields.get("grant_type") != "client_credentials":
            return _oauth_error("unsupported_grant_type")
        if "scope" in fields:
            return _oauth_error("invalid_scope")
        client = self._clients.get(fields.get("client_id", ""))
        secret = fields.get("client_secret", "")
        known = client is not None and environment in (None, client.environment)
        if client is None or not known or not _same(client.client_secret, secret):
            return _oauth_error("invalid_client")
        text = f"eyJ{secrets.token_urlsafe(24)}"
        self._tokens[text] = (client, time.monotonic() + switches.token_ttl)
        self.tokens_issued += 1
        return SandboxResponse.json(
            {
                "access_token": text,
                "expires_in": switches.token_ttl,
                "token_type": "Bearer",
                "scope": " ".join(client.scopes),
            }
        )

    def identify(self, request: SandboxRequest, environment: str | None, switches: Switches) -> Client | None:
        """The client of a call's token; None without a live one. The scheme `Bearer` may be left out."""
        header = request.header("authorization").strip()
        scheme, _, rest = header.partition(" ")
        text = rest.strip() if scheme.lower() == "bearer" else header
        client, expires = self._tokens.get(text, (None, 0.0))
        if client is None or time.monotonic() + switches.clock_skew >= expires:
            return None
        return client if environment in (None, client.environment) else None

    def authorize(
        self, request: SandboxRequest, environment: str | None, module: str, tenant: str, switches: Switches
    ) -> Client:
        """The client that may make this call. Raises Problem: 401, 403 or 429."""
        client = self.identify(request, environment, switches)
        if client is None:
            raise Problem(401, "The access token is missing, unknown or expired.")
        app_key = request.header("st-app-key") or request.parameter("servicetitanapplicationkey")
        if not app_key or not _same(client.app_key, app_key):
            raise Problem(401, "The application key is missing or wrong.")
        if tenant != str(client.tenant):
            raise Problem(401, "The token belongs to another tenant.")
        if SCOPES.get(module) not in client.scopes:
            raise Problem(403, "Authentication is insufficient: the app lacks a scope.")
        self._count_call(client, switches)
        return client

    def _count_call(self, client: Client, switches: Switches) -> None:
        now = time.monotonic()
        calls = self._calls[client.app_key, client.tenant]
        while calls and calls[0] <= now - 1:
            calls.popleft()
        if switches.rps_limit and len(calls) >= switches.rps_limit:
            raise Problem(429, "Rate limit is exceeded.", headers=_retry_after(switches.retry_after))
        calls.append(now)


def _same(expected: str, given: str) -> bool:
    return hmac.compare_digest(expected.encode(), given.encode())


def _oauth_error(code: str) -> SandboxResponse:
    return SandboxResponse.json({"error": code}, 400)


def _retry_after(wait: float | str | None) -> Mapping[str, str]:
    if wait is None:
        return {}
    if wait == "date":
        return {"Retry-After": format_datetime(datetime.now(UTC) + timedelta(seconds=1), usegmt=True)}
    return {"Retry-After": f"{wait:g}"}
