"""The token of a Credential: refreshed ahead of its end by one process at a time, kept before it is used."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping
from datetime import timedelta

from django.db import InterfaceError, OperationalError, connection, transaction
from django.utils import timezone

from integrations.http.errors import IntegrationError, Unauthorized
from integrations.models import Credential, CredentialStatus
from integrations.tokens.cooldown import ask_again_at, still_cooling
from integrations.tokens.endpoint import ClientSecrets, TokenEndpoint
from integrations.tokens.errors import NeedsReconnect, TokenRefused
from integrations.tokens.reply import TokenReply

logger = logging.getLogger("syncplatform.tokens")

AHEAD_SECONDS = 300
COOLDOWN_SECONDS = 30.0
REAUTH = "reauth"
USABLE = (CredentialStatus.ACTIVE, CredentialStatus.PENDING_APPROVAL)
KEEPING_PAUSES = (0.2, 0.5, 1.0, 2.0, 4.0)


class CredentialToken:
    """Authenticates a session with the access token of a credential (`access_token`, `refresh_token`).

    It is refreshed five minutes before its end (earlier than half of its life never), and once when the
    vendor refuses it. A refused refresh makes the credential need attention, with reason `reauth`.
    """

    def __init__(
        self,
        credential: Credential,
        endpoint: TokenEndpoint,
        client: Callable[[], ClientSecrets],
        *,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._credential = credential
        self._endpoint = endpoint
        self._client = client
        self._sleep = sleep
        self._lock = threading.Lock()

    def headers(self) -> Mapping[str, str]:
        """What every call carries. Raises NeedsReconnect or another IntegrationError without a token."""
        with self._lock:
            if not _serves(self._credential, refused=""):
                self._credential = self._refreshed(refused="")
            return {"Authorization": f"Bearer {self._credential.secret('access_token')}"}

    def renew(self, refused: Mapping[str, str]) -> None:
        """Get another token than the one in these headers. Raises as `headers` does."""
        with self._lock:
            self._credential = self._refreshed(refused=refused.get("Authorization", "").rpartition(" ")[2])

    def refused(self, error: Unauthorized) -> None:
        """The vendor takes the token not, and a new one would not help: somebody has to reconnect."""
        self._credential.mark_refused(REAUTH)

    def _refreshed(self, *, refused: str) -> Credential:
        """The credential with a token that is fresh and not the refused one."""
        row = Credential.objects.get(pk=self._credential.pk)
        if _serves(row, refused):
            return row
        _check_usable(row)
        reply: TokenReply | None = None
        failure: IntegrationError | None = None
        try:
            with transaction.atomic(durable=True):
                row = Credential.objects.select_for_update().get(pk=self._credential.pk)
                if _serves(row, refused):
                    return row
                _check_usable(row)
                failure = still_cooling(row.refresh_again_at, timezone.now(), row.provider)
                if failure is None:
                    try:
                        reply = self._endpoint.refresh(self._client(), row.secret("refresh_token"))
                    except IntegrationError as error:
                        failure = error
                        _note_failure(row, error)
                    else:
                        keep_token(row, reply)
        except (OperationalError, InterfaceError):
            if reply is None:
                raise
            row = self._keep_late(reply, row.token_version)
        if failure is None:
            return row
        if not refused and _is_unexpired(row) and row.status in USABLE:
            logger.warning("the token of %s is used although its refresh failed: %s", row.pk, failure)
            return row
        raise failure

    def _keep_late(self, reply: TokenReply, version: int) -> Credential:
        """Keep a pair that the database did not take at first: the old one is worth nothing any more."""
        pauses = list(KEEPING_PAUSES)
        while True:
            connection.close()
            try:
                with transaction.atomic():
                    row = Credential.objects.select_for_update().get(pk=self._credential.pk)
                    if row.token_version < version:
                        keep_token(row, reply)
                    return row
            except (OperationalError, InterfaceError):
                if not pauses:
                    raise
                self._sleep(pauses.pop(0))


def keep_token(row: Credential, reply: TokenReply) -> None:
    """Write a new token to a row that is locked by the caller's transaction."""
    secrets = {**(row.secrets or {}), "access_token": reply.access_token}
    if reply.refresh_token:
        secrets["refresh_token"] = reply.refresh_token
    row.secrets = secrets
    row.expires_at = reply.expires_at
    row.auth_metadata = {**row.auth_metadata, "expires_in": reply.expires_in}
    row.token_version += 1
    row.refresh_failures, row.refresh_again_at = 0, None
    row.save(
        update_fields=[
            "secrets",
            "expires_at",
            "auth_metadata",
            "token_version",
            "refresh_failures",
            "refresh_again_at",
            "updated_at",
        ]
    )


def _note_failure(row: Credential, error: IntegrationError) -> None:
    """A refused refresh ends the credential's use; any other failure makes everybody wait a while."""
    if isinstance(error, TokenRefused):
        row.mark_refused(REAUTH)
        return
    row.refresh_failures += 1
    row.refresh_again_at = ask_again_at(timezone.now(), row.refresh_failures, COOLDOWN_SECONDS)
    row.save(update_fields=["refresh_failures", "refresh_again_at", "updated_at"])


def _check_usable(row: Credential) -> None:
    """Raises NeedsReconnect for a credential that is not in use, or that cannot be refreshed."""
    if row.status not in USABLE:
        raise NeedsReconnect(f"credential {row.pk} is {row.get_status_display()}", provider=row.provider)
    if not row.secret("refresh_token"):
        row.mark_refused(REAUTH)
        raise NeedsReconnect(f"the token of credential {row.pk} has expired", provider=row.provider)


def _serves(row: Credential, refused: str) -> bool:
    """Whether the stored token may be used as it is."""
    if row.status not in USABLE or (refused and row.secret("access_token") == refused):
        return False
    return _is_fresh(row) if not refused else _is_unexpired(row)


def _is_fresh(row: Credential) -> bool:
    """Whether the token lasts a while yet."""
    return row.expires_at is None or row.expires_at - _ahead(row) > timezone.now()


def _is_unexpired(row: Credential) -> bool:
    return row.expires_at is None or row.expires_at > timezone.now()


def _ahead(row: Credential) -> timedelta:
    lifetime = row.auth_metadata.get("expires_in")
    half = lifetime / 2 if isinstance(lifetime, int) else AHEAD_SECONDS
    return timedelta(seconds=min(AHEAD_SECONDS, half))
