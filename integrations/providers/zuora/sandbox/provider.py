"""The simulated Zuora: several tenants behind one address."""

from __future__ import annotations

import gzip
import random
import secrets
import time
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any, ClassVar
from urllib.parse import parse_qs

from integrations.providers.zuora.sandbox import api, controls
from integrations.providers.zuora.sandbox.behavior import Behavior
from integrations.providers.zuora.sandbox.controls import PageEvents
from integrations.providers.zuora.sandbox.failures import Failures
from integrations.providers.zuora.sandbox.generator import SEED_OPTIONS, SeedOptions, fill
from integrations.providers.zuora.sandbox.limits import RateWindow, TokenCalls
from integrations.providers.zuora.sandbox.tenants import (
    DATA_CENTER,
    DEFAULT_TENANTS,
    VIEW,
    Tenant,
    TenantLogin,
)
from integrations.sandbox import ProviderSandbox, SandboxRequest, SandboxResponse

TOKEN_PATH = "/oauth/token"  # noqa: S105
GZIP_ABOVE = 1000
NO_ACCESS = "You do not have permission to view workflows"
_FIRST_ID = 1001


class ZuoraSandbox(ProviderSandbox):
    """Zuora's token endpoint and Workflow API.

    Args:
        tenants: OAuth clients instead of the two default ones.
    """

    slug = "zuora"
    seed_options: ClassVar[Mapping[str, str]] = SEED_OPTIONS
    control_paths: ClassVar[Mapping[str, str]] = controls.CONTROL_PATHS

    def __init__(self, tenants: Iterable[TenantLogin] = DEFAULT_TENANTS) -> None:
        super().__init__()
        self._logins = tuple(tenants)
        self.reset()

    def reset(self) -> None:
        """Hold nothing, with the first tenants and Zuora's usual behavior."""
        with self.lock:
            self.behavior = Behavior()
            self.tenants = {
                login.client_id: Tenant(login, next_id=_FIRST_ID * (index + 1))
                for index, login in enumerate(self._logins)
            }
            self.failures = Failures()
            self.page_events = PageEvents()
            self.violations: list[str] = []
            self.windows: defaultdict[str, RateWindow] = defaultdict(RateWindow)
            self.rng = random.Random(7)  # noqa: S311
            self._token_calls = TokenCalls()
            self._tokens: dict[str, tuple[str, float]] = {}

    def seed(self, **options: Any) -> dict[str, Any]:
        """Fill every tenant with generated data; SEED_OPTIONS lists the options. Raises SandboxError."""
        chosen = SeedOptions.parse(options)
        with self.lock:
            self.rng = random.Random(chosen.seed)  # noqa: S311
            for tenant in self.tenants.values():
                fill(tenant, chosen, self.rng)
            return self.state()

    def state(self) -> dict[str, Any]:
        """What each tenant holds, what careless clients did, and how many tokens are alive."""
        with self.lock:
            now = time.monotonic()
            return {
                "tenants": {client_id: tenant.describe() for client_id, tenant in self.tenants.items()},
                "violations": list(self.violations),
                "tokens_alive": sum(ends > now for _, ends in self._tokens.values()),
            }

    def handle(self, request: SandboxRequest) -> SandboxResponse:
        """Answer a call of the token endpoint or the Workflow API."""
        with self.lock:
            response = self._answer(request)
            headers = {**response.headers, "Zuora-Request-Id": secrets.token_hex(16)}
            if request.header("zuora-track-id"):
                headers["Zuora-Track-Id"] = request.header("zuora-track-id")
            return self._compressed(request, replace(response, headers=headers))

    def control(self, request: SandboxRequest) -> SandboxResponse | None:
        """Answer what CONTROL_PATHS lists."""
        with self.lock:
            return controls.answer(self, request)

    def expire_tokens(self) -> int:
        """Let all tokens die at once; returns how many there were."""
        count = len(self._tokens)
        self._tokens.clear()
        return count

    def _answer(self, request: SandboxRequest) -> SandboxResponse:
        failure = self.failures.take(request.path)
        if failure is not None:
            return failure.response()
        if request.path == TOKEN_PATH:
            return self._token(request)
        return self._workflow_call(request)

    def _token(self, request: SandboxRequest) -> SandboxResponse:
        if request.header("authorization"):
            self.violations.append("an Authorization header was sent to the token endpoint")
        within, left = self._token_calls.spend(self.behavior.tokens_per_minute)
        headers = {
            "X-RateLimit-Limit-minute": str(self.behavior.tokens_per_minute),
            "X-RateLimit-Remaining-minute": str(left),
        }
        if not within:
            return SandboxResponse.json({"message": "API rate limit exceeded"}, 429, headers)
        form = {name: values[-1] for name, values in parse_qs(request.body.decode("latin-1")).items()}
        tenant = self.tenants.get(form.get("client_id", ""))
        is_known = tenant is not None and tenant.login.client_secret == form.get("client_secret")
        if request.method != "POST" or form.get("grant_type") != "client_credentials":
            return SandboxResponse.json({"error": "unsupported_grant_type"}, 400, headers)
        if tenant is None or not is_known or tenant.data_center != DATA_CENTER:
            return self._refused_client(headers)
        token = secrets.token_hex(16)
        self._tokens[token] = (tenant.login.client_id, time.monotonic() + self.behavior.token_ttl)
        body = {
            "access_token": token,
            "token_type": "bearer",
            "expires_in": self.behavior.token_ttl,
            "scope": "entity.1 service.usage.read",
            "jti": secrets.token_hex(16),
        }
        return SandboxResponse.json(body, 200, headers)

    def _refused_client(self, headers: Mapping[str, str]) -> SandboxResponse:
        text = "Client authentication failed"
        if self.behavior.refusal == "message":
            return SandboxResponse.json({"message": text}, 401, headers)
        return SandboxResponse.json({"error": "invalid_client", "error_description": text}, 401, headers)

    def _workflow_call(self, request: SandboxRequest) -> SandboxResponse:
        name, number = api.route(request.path)
        self._note_violations(request, name)
        tenant = self._signed_in(request)
        if tenant is None:
            return SandboxResponse.json({"errors": [{"status": 401, "title": "Invalid access token"}]}, 401)
        window = self.windows[tenant.login.client_id]
        if not window.spend():
            refusal = window.refusal()
            return replace(refusal, headers={**refusal.headers, **window.headers()})
        response = self._permitted(request, tenant, name, number)
        return replace(response, headers={**response.headers, **window.headers()})

    def _permitted(self, request: SandboxRequest, tenant: Tenant, name: str, number: str) -> SandboxResponse:
        if not name or request.method not in ("GET", "HEAD"):
            return SandboxResponse.json({"errors": ["No such endpoint"]}, 404)
        if VIEW not in tenant.permissions:
            body = {"errors": [{"status": 403, "code": "forbidden", "title": NO_ACCESS}]}
            return SandboxResponse.json(body, 403)

        def page_read(page: int) -> None:
            self.page_events.after(page, tenant, self.rng)

        workflows = api.WorkflowApi(tenant, self.behavior, _own_url(request), page_read)
        return workflows.answer(request, name, number)

    def _signed_in(self, request: SandboxRequest) -> Tenant | None:
        scheme, _, token = request.header("authorization").partition(" ")
        client_id, ends = self._tokens.get(token, ("", 0.0))
        if scheme.lower() != "bearer" or time.monotonic() >= ends:
            return None
        return self.tenants.get(client_id)

    def _note_violations(self, request: SandboxRequest, name: str) -> None:
        self.violations += api.violations(request, name)
        shown = [request.path, request.body.decode("latin-1"), *map(str, request.query.values())]
        shown += [value for header, value in request.headers.items() if header != "authorization"]
        for tenant in self.tenants.values():
            secret = tenant.login.client_secret
            if secret and any(secret in text for text in shown):
                self.violations.append(f"credentials were sent to {request.path}")
        if request.header("authorization").lower().startswith("basic"):
            self.violations.append(f"credentials were sent to {request.path}")

    def _compressed(self, request: SandboxRequest, response: SandboxResponse) -> SandboxResponse:
        wanted = "gzip" in request.header("accept-encoding").lower()
        if not (self.behavior.gzip and wanted and len(response.body) > GZIP_ABOVE):
            return response
        headers = {**response.headers, "Content-Encoding": "gzip"}
        return SandboxResponse(response.status, headers, gzip.compress(response.body, 3))

    def describe(self, request: SandboxRequest) -> dict[str, Any]:
        """Which call it is, its page, and the headers that say for whom."""
        name, number = api.route(request.path)
        summary: dict[str, Any] = {"call": "token" if request.path == TOKEN_PATH else name}
        if number:
            summary["id"] = number
        for parameter in ("page", "page_length"):
            if request.parameter(parameter):
                summary[parameter] = request.parameter(parameter)
        for header in ("zuora-track-id", "zuora-entity-ids", "zuora-org-ids", "accept-encoding"):
            if request.header(header):
                summary[header] = request.header(header)
        return summary

    def auth_state(self, request: SandboxRequest) -> str:
        """Judge the bearer token; the token endpoint needs none."""
        if request.path == TOKEN_PATH:
            return "none"
        if not request.header("authorization"):
            return "missing"
        with self.lock:
            return "valid" if self._signed_in(request) else "invalid"

    def application_error(self, message: str) -> SandboxResponse:
        """Zuora's own way of failing with HTTP 200."""
        reasons = [{"code": 53100020, "message": message}]
        return SandboxResponse.json({"success": False, "processId": "8F3A1C5D", "reasons": reasons})

    def environment(self, url: str) -> dict[str, str]:
        """The variable that points every customer at this server."""
        return {"ZUORA_API_URL": url}


def _own_url(request: SandboxRequest) -> str:
    """The address under which the client reached this simulator."""
    return f"http://{request.header('host')}/{ZuoraSandbox.slug}"
