"""A vendor with OAuth 2: tokens that end, refresh tokens that work once, and a resource behind them."""

from __future__ import annotations

import secrets
import time
from typing import Any, ClassVar
from urllib.parse import parse_qs

from integrations.sandbox import ProviderSandbox, SandboxRequest, SandboxResponse

CLIENT_ID, CLIENT_SECRET = "client-1", "planted-client-secret"


class TokenVendor(ProviderSandbox):
    """`POST /token` and `GET /things`; `lifetime` is what tokens last in seconds."""

    slug: ClassVar[str] = "vendor"

    def __init__(self) -> None:
        super().__init__()
        self.reset()

    def reset(self) -> None:
        self.lifetime = 900
        self.refresh_token = "refresh-0"
        self.access_tokens: dict[str, float] = {}
        self.asked: list[dict[str, str]] = []
        self.slow_seconds = 0.0

    def seed(self, **options: Any) -> dict[str, Any]:
        return {}

    def state(self) -> dict[str, Any]:
        return {}

    def handle(self, request: SandboxRequest) -> SandboxResponse:
        if request.path == "/token":
            time.sleep(self.slow_seconds)
            with self.lock:
                return self._token(request)
        with self.lock:
            token = request.header("authorization").rpartition(" ")[2]
            if self.access_tokens.get(token, 0) <= time.time():
                return SandboxResponse.json({"error": "invalid_token"}, 401)
            return SandboxResponse.json({"things": []})

    def _token(self, request: SandboxRequest) -> SandboxResponse:
        form = {name: values[0] for name, values in parse_qs(request.body.decode()).items()}
        self.asked.append(form)
        if (form.get("client_id"), form.get("client_secret")) != (CLIENT_ID, CLIENT_SECRET):
            return SandboxResponse.json({"error": "invalid_client"}, 400)
        reply = {"token_type": "Bearer", "expires_in": self.lifetime, "user_id": "user-1"}
        if form["grant_type"] == "refresh_token":
            if form["refresh_token"] != self.refresh_token:
                return SandboxResponse.json({"error": "invalid_grant", "error_description": "used"}, 400)
            self.access_tokens.clear()
            self.refresh_token = f"refresh-{secrets.token_hex(8)}"
        if form["grant_type"] in ("refresh_token", "authorization_code"):
            reply["refresh_token"] = self.refresh_token
        access = f"access-{secrets.token_hex(8)}"
        self.access_tokens[access] = time.time() + self.lifetime
        return SandboxResponse.json({**reply, "access_token": access})
