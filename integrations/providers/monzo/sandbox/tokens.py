"""Codes, tokens and approvals: one live token a user and client, refresh tokens that work once."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from integrations.providers.monzo.sandbox.clock import Clock

CLIENT_ID, CLIENT_SECRET = "oauth2client_sandbox", "sandbox-client-secret"
DEMO_ACCESS, DEMO_REFRESH = "at_sandbox_demo", "rt_sandbox_demo"
LIFETIME_SECONDS = 21_600
CODE_SECONDS = 300
OPEN_HISTORY = timedelta(minutes=5)


class Refused(Exception):
    """A call that is answered with an error; `code` is Monzo's own."""

    def __init__(self, status: int, code: str, message: str, *, error: str = "") -> None:
        self.status = status
        self.code = code
        self.message = message
        self.error = error
        super().__init__(message)


@dataclass(slots=True)
class Grant:
    """One consent: its tokens change with every refresh, its approval stays."""

    user_id: str
    client_id: str
    access_token: str
    refresh_token: str
    expires_at: datetime
    approved_at: datetime | None = None
    is_evicted: bool = False

    def history_is_open(self, now: datetime) -> bool:
        """Whether transactions older than 90 days are shown: for five minutes after the approval."""
        return self.approved_at is not None and now - self.approved_at <= OPEN_HISTORY


class Tokens:
    """Every grant of the bank. `approves` says that people approve at once."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._codes: dict[str, tuple[str, str, str, datetime]] = {}
        self.grants: list[Grant] = []
        self.approves = False
        self.lifetime = LIFETIME_SECONDS

    def let_in(self, user_id: str) -> None:
        """Somebody who consented and approved before all this began, with tokens that are known."""
        now = self._clock.now()
        ends = now + timedelta(seconds=self.lifetime)
        self.grants = [grant for grant in self.grants if grant.access_token != DEMO_ACCESS]
        self.grants.append(Grant(user_id, CLIENT_ID, DEMO_ACCESS, DEMO_REFRESH, ends, approved_at=now))

    def new_code(self, user_id: str, client_id: str, redirect_uri: str) -> str:
        """A code for who consented; it works once, for five minutes, with the same redirect address."""
        code = secrets.token_urlsafe(24)
        ends = self._clock.now() + timedelta(seconds=CODE_SECONDS)
        self._codes[code] = (user_id, client_id, redirect_uri, ends)
        return code

    def exchange(self, code: str, client_id: str, redirect_uri: str) -> Grant:
        """The grant of a code; any other of that user and client is evicted. Raises Refused."""
        user_id, client, redirect, ends = self._codes.pop(code, ("", "", "", self._clock.now()))
        if not user_id or client != client_id or redirect != redirect_uri or ends <= self._clock.now():
            raise Refused(
                401, "unauthorized.bad_authorization_code", "Bad authorization code", error="invalid_grant"
            )
        for grant in self.grants:
            if (grant.user_id, grant.client_id) == (user_id, client_id):
                grant.is_evicted = True
        fresh = Grant(user_id, client_id, *self._pair())
        fresh.approved_at = self._clock.now() if self.approves else None
        self.grants.append(fresh)
        return fresh

    def refresh(self, refresh_token: str, client_id: str) -> Grant:
        """A new pair for a refresh token, which is worth nothing from now on. Raises Refused."""
        for grant in self.grants:
            if grant.refresh_token == refresh_token and grant.client_id == client_id and not grant.is_evicted:
                grant.access_token, grant.refresh_token, grant.expires_at = self._pair()
                return grant
        raise Refused(
            401, "unauthorized.bad_refresh_token", "Refresh token has been used", error="invalid_grant"
        )

    def grant_of(self, access_token: str) -> Grant:
        """Whose call it is. Raises Refused."""
        for grant in self.grants:
            if grant.access_token == access_token:
                if grant.is_evicted:
                    raise Refused(
                        401, "unauthorized.bad_access_token.evicted", "Access token has been evicted"
                    )
                if grant.expires_at <= self._clock.now():
                    raise Refused(401, "unauthorized.bad_access_token.expired", "Access token has expired")
                return grant
        raise Refused(401, "unauthorized.bad_access_token", "Bad access token")

    def logout(self, grant: Grant) -> None:
        """End a grant: neither of its tokens works any more."""
        self.grants.remove(grant)

    def approve(self) -> int:
        """People approve what waits in their app; returns how many grants that were."""
        waiting = [grant for grant in self.grants if grant.approved_at is None and not grant.is_evicted]
        for grant in waiting:
            grant.approved_at = self._clock.now()
        return len(waiting)

    def expire(self) -> None:
        """End every access token; refresh tokens go on working."""
        for grant in self.grants:
            grant.expires_at = self._clock.now()

    def _pair(self) -> tuple[str, str, datetime]:
        ends = self._clock.now() + timedelta(seconds=self.lifetime)
        return f"at_{secrets.token_urlsafe(24)}", f"rt_{secrets.token_urlsafe(24)}", ends
