"""Basic authentication as the simulated server checks it."""

from __future__ import annotations

import base64
import binascii
import hmac
from collections.abc import Iterable

from circuits.workstudio.sandbox.people import Login
from integrations.sandbox import SandboxResponse

_UNAUTHORIZED = "<html><head><title>401</title></head><body><h1>401 Unauthorized</h1></body></html>"


class Logins:
    """The accounts that may call the server.

    Args:
        logins: the accounts to begin with.
    """

    def __init__(self, logins: Iterable[Login]) -> None:
        self._logins = {login.username.casefold(): login for login in logins}

    def put(self, login: Login) -> None:
        """Add an account or replace it."""
        self._logins[login.username.casefold()] = login

    def remove(self, username: str) -> None:
        """Delete an account; unknown ones are ignored."""
        self._logins.pop(username.casefold(), None)

    def get(self, username: str) -> Login | None:
        """Return an account by its name."""
        return self._logins.get(username.casefold())

    def describe(self) -> dict[str, list[str] | None]:
        """Return who sees which regions (None for all), without passwords."""
        return {
            login.username: None if login.regions is None else list(login.regions)
            for login in list(self._logins.values())
        }

    def check(self, header: str) -> tuple[str, Login | None]:
        """Judge an Authorization header.

        Returns:
            ``missing``, ``malformed``, ``invalid`` or ``valid``, and the account when valid.
        """
        if not header:
            return "missing", None
        pair = _decode(header)
        if pair is None:
            return "malformed", None
        username, password = pair
        login = self.get(username)
        if login is None or not hmac.compare_digest(login.password.encode(), password.encode()):
            return "invalid", None
        return "valid", login


def _decode(header: str) -> tuple[str, str] | None:
    scheme, _, token = header.strip().partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        raw = base64.b64decode(token.strip(), validate=True)
    except (binascii.Error, ValueError):
        return None
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        text = raw.decode("latin-1")
    username, colon, password = text.partition(":")
    return (username, password) if colon else None


def unauthorized() -> SandboxResponse:
    """Build the server's 401: a challenge and a short page, not JSON."""
    return SandboxResponse.html(_UNAUTHORIZED, 401, {"WWW-Authenticate": 'Basic realm="WorkStudio"'})
