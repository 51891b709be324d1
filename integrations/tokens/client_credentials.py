"""Tokens that a client gets for itself: one for all processes, encrypted, asked for by one at a time."""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

from django.db import transaction
from django.utils import timezone

from integrations.http.errors import IntegrationError, Unauthorized
from integrations.http.retry import RetryPolicy
from integrations.models import AccessToken
from integrations.tokens.cooldown import ask_again_at, still_cooling
from integrations.tokens.endpoint import ClientSecrets, TokenEndpoint

SPARE_SECONDS = 60
DEFAULT_LIFETIME_SECONDS = 300
COOLDOWN_SECONDS = 15.0
TOTAL_SECONDS = 60.0
POLICY = RetryPolicy(attempts=3, retry_statuses=frozenset({429, 500, 502, 503, 504}))


class ClientCredentials:
    """Authenticates a session with tokens of the client credentials grant.

    `identity` tells apart what the endpoint and the client id do not (an environment, an entity). A token is
    used until a minute before its end. `scheme` starts the Authorization header. `on_refused` is called with
    the error when the vendor refuses the client itself, or a token that was just made. After a failure
    the endpoint is left alone for `cooldown` seconds, then for twice as long each time; 0 asks again at once.
    """

    def __init__(
        self,
        endpoint: TokenEndpoint,
        client: ClientSecrets,
        *,
        identity: str = "",
        scope: str | None = None,
        scheme: str = "Bearer",
        retry: RetryPolicy = POLICY,
        on_refused: Callable[[Unauthorized], object] | None = None,
        cooldown: float = COOLDOWN_SECONDS,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._endpoint = endpoint
        self._client = client
        self._scope = scope
        self._scheme = scheme
        self._retry = retry
        self._on_refused = on_refused
        self._cooldown = cooldown
        self._sleep = sleep
        self._lock = threading.Lock()
        self._held: AccessToken | None = None
        where = "\0".join((endpoint.provider, endpoint.url, client.client_id, identity, scope or ""))
        self._key = hashlib.sha256(where.encode()).hexdigest()

    def headers(self) -> Mapping[str, str]:
        """What every call carries. Raises IntegrationError when no token is to be had."""
        return {"Authorization": f"{self._scheme} {self.token()}"}

    def renew(self, refused: Mapping[str, str]) -> None:
        """Get another token than the one in these headers. Raises as `headers` does."""
        self.token(refused=refused.get("Authorization", "").rpartition(" ")[2])

    def refused(self, error: Unauthorized) -> None:
        """A token that was just made was refused as well."""
        if self._on_refused is not None:
            self._on_refused(error)

    def token(self, *, refused: str = "") -> str:
        """A token that is good for a minute at least, and is not the `refused` one."""
        with self._lock:
            held = self._held
            if held is None or not _is_good(held, refused):
                held = AccessToken.objects.filter(key=self._key).first()
            if held is None or not _is_good(held, refused):
                held = self._retry.run(
                    lambda attempt: self._ask(refused, attempt),
                    idempotent=True,
                    total_timeout=TOTAL_SECONDS,
                    sleep=self._sleep,
                )
            self._held = held
            return str(held.secrets["access_token"])

    def check(self) -> None:
        """Ask for a token and keep it not: whether the vendor takes this client. Raises IntegrationError."""
        self._endpoint.client_credentials(self._client, self._scope)

    def _ask(self, refused: str, attempt: int) -> AccessToken:
        """Ask for a new token under the row's lock, unless somebody else did meanwhile."""
        failure: IntegrationError | None = None
        with transaction.atomic():
            row = self._locked_row()
            now = timezone.now()
            if _is_good(row, refused):
                return row
            if attempt == 1 and (cooling := still_cooling(row.ask_again_at, now, row.provider)):
                raise cooling
            try:
                reply = self._endpoint.client_credentials(self._client, self._scope)
            except IntegrationError as error:
                row.failures += 1
                row.ask_again_at = ask_again_at(now, row.failures, self._cooldown)
                failure = error
            else:
                row.secrets = {"access_token": reply.access_token}
                row.expires_at = _usable_until(reply.received_at, reply.expires_in)
                row.version, row.failures, row.ask_again_at = row.version + 1, 0, None
            row.save()
        if failure is None:
            return row
        if isinstance(failure, Unauthorized) and self._on_refused is not None:
            self._on_refused(failure)
        raise failure

    def _locked_row(self) -> AccessToken:
        AccessToken.objects.get_or_create(key=self._key, defaults={"provider": self._endpoint.provider})
        return AccessToken.objects.select_for_update().get(key=self._key)


def _usable_until(received: datetime, expires_in: int | None) -> datetime:
    """A minute before the end; half way where it lasts less than two."""
    lifetime = DEFAULT_LIFETIME_SECONDS if expires_in is None else max(0, expires_in)
    return received + timedelta(seconds=max(lifetime - SPARE_SECONDS, lifetime / 2))


def _is_good(row: AccessToken, refused: str) -> bool:
    if row.expires_at is None or row.expires_at <= timezone.now():
        return False
    return not refused or row.secrets.get("access_token") != refused
