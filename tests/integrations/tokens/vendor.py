"""A vendor with OAuth 2: tokens that end, refresh tokens that work once, and a resource behind them."""

from __future__ import annotations

import base64
import hashlib
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
        self.owner = "user-1"
        self.codes: dict[str, dict[str, str]] = {}

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

    def consent(self, query: dict[str, str]) -> str:
        """What the vendor's page does when the owner agrees: a code for this request."""
        code = f"code-{secrets.token_hex(4)}"
        self.codes[code] = query
        return code

    def _is_genuine(self, form: dict[str, str]) -> bool:
        """Whether a code was given for this very request (RFC 6749 4.1.3, RFC 7636 4.6), and not used."""
        query = self.codes.pop(form["code"], None)
        if query is None or query["redirect_uri"] != form["redirect_uri"]:
            return False
        digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        return query.get("code_challenge", challenge) == challenge

    def _token(self, request: SandboxRequest) -> SandboxResponse:
        form = {name: values[0] for name, values in parse_qs(request.body.decode()).items()}
        self.asked.append(form)
        if (form.get("client_id"), form.get("client_secret")) != (CLIENT_ID, CLIENT_SECRET):
            return SandboxResponse.json({"error": "invalid_client"}, 400)
        if form["grant_type"] == "authorization_code" and not self._is_genuine(form):
            return SandboxResponse.json({"error": "invalid_grant"}, 400)
        reply = {"token_type": "Bearer", "expires_in": self.lifetime, "user_id": self.owner}
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
