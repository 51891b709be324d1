"""The keys of webhook addresses: making, finding, rotating and retiring them."""

from __future__ import annotations

import hashlib
import hmac
import secrets
import time
from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import lru_cache

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import connection, transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from integrations.credentials.encryption import SecretUnreadable
from integrations.credentials.sealed import SealedSecrets
from integrations.models import Credential, CredentialStatus, WebhookKey
from integrations.webhooks.declaration import Recipient
from synclogs.redaction import register_secret

KEY_BYTES = 32
LONGEST_KEY = 200
OVERLAP = timedelta(days=7)
MOST_FOUND = 1024
LISTENING = (CredentialStatus.ACTIVE, CredentialStatus.PENDING_APPROVAL, CredentialStatus.NEEDS_ATTENTION)

_found: dict[str, tuple[float, Recipient | None]] = {}


def digests(provider: str, key: str) -> list[str]:
    """The hashes under which a key may be stored, one an encryption key, the current one first.

    Keyed, so that nobody outside knows which hash a guess leads to; looking one up in an index therefore
    tells nothing by its time.
    """
    text = f"{provider}\0{key}".encode("utf-8", "surrogatepass")
    return [hmac.new(pepper, text, hashlib.sha256).hexdigest() for pepper in _peppers()]


def create_key(credential: Credential, key: str = "") -> str:
    """Give a credential one more key and return it; generated unless a vendor's old one is passed.

    Raises ValueError for a key that is too easy to guess, django.db.IntegrityError for one that is taken.
    """
    key = key or secrets.token_urlsafe(KEY_BYTES)
    if not KEY_BYTES <= len(key) <= LONGEST_KEY:
        raise ValueError(f"a key has {KEY_BYTES} to {LONGEST_KEY} characters")
    WebhookKey.objects.create(
        credential=credential,
        provider=credential.provider,
        digest=digests(credential.provider, key)[0],
        sealed={"key": key},
    )
    return key


def current_key(credential: Credential) -> str:
    """The newest key of a credential, made when there is none."""
    newest = live_keys(credential).first()
    return str(newest.sealed["key"]) if newest is not None else create_key(credential)


def rotate_key(credential: Credential, *, overlap: timedelta) -> str:
    """Make a new key; those before it go on working for `overlap`."""
    with transaction.atomic():
        retire_keys(credential, timezone.now() + overlap)
        return create_key(credential)


def retire_keys(credential: Credential, at: datetime) -> int:
    """Let every key of a credential that has no earlier end be unknown from `at` on; returns how many."""
    return live_keys(credential).filter(Q(retires_at=None) | Q(retires_at__gt=at)).update(retires_at=at)


def live_keys(credential: Credential) -> QuerySet[WebhookKey]:
    """The keys of a credential that work, the newest first."""
    unretired = Q(retires_at=None) | Q(retires_at__gt=timezone.now())
    return WebhookKey.objects.filter(unretired, credential=credential).order_by("-created_at", "-pk")


def address(credential: Credential, key: str = "") -> str:
    """The whole address that a vendor is told, below SITE_URL."""
    return f"{settings.SITE_URL.rstrip('/')}/webhooks/{credential.provider}/{key or current_key(credential)}/"


def find_recipient(provider: str, key: str, now: datetime) -> Recipient | None:
    """Who an address belongs to; None for unknown and retired keys and credentials that are switched off.

    What was found is believed for WEBHOOK_KEY_SECONDS, so that a burst is not looked up again and again.
    """
    if not key or len(key) > LONGEST_KEY:
        return None
    wanted = digests(provider, key)
    until, recipient = _found.get(wanted[0], (0.0, None))
    if time.monotonic() < until:
        return recipient
    recipient = _look_up(wanted, now)
    if recipient is not None:
        _hide(key)
        if len(_found) >= MOST_FOUND:
            _found.clear()
        _found[wanted[0]] = (time.monotonic() + settings.WEBHOOK_KEY_SECONDS, recipient)
    return recipient


def _look_up(wanted: Sequence[str], now: datetime) -> Recipient | None:
    moment = connection.ops.adapt_datetimefield_value(now)
    with connection.cursor() as cursor:
        cursor.execute(_find_sql(len(wanted)), [*wanted, moment, *LISTENING])
        row = cursor.fetchone()
    if row is None:
        return None
    credential_id, account_id, sealed = row
    return Recipient(credential_id, account_id, SealedSecrets(sealed) if sealed else {})


def rekey(*, dry_run: bool = False) -> int:
    """Hash every key anew that is not under the current encryption key; returns how many those are."""
    stale = 0
    for row in WebhookKey.objects.all().iterator():
        try:
            current = digests(row.provider, str(row.sealed["key"]))[0]
        except SecretUnreadable:
            continue
        if current == row.digest:
            continue
        stale += 1
        if not dry_run:
            WebhookKey.objects.filter(pk=row.pk, digest=row.digest).update(digest=current)
    return stale


@lru_cache(maxsize=8)
def _find_sql(hashes: int) -> str:
    places = ", ".join(["%s"] * hashes)
    statuses = ", ".join(["%s"] * len(LISTENING))
    return (
        "SELECT c.id, c.account_id, c.secrets FROM webhook_keys k "  # noqa: S608
        f"JOIN credentials c ON c.id = k.credential_id WHERE k.digest IN ({places}) "
        f"AND (k.retires_at IS NULL OR k.retires_at > %s) AND c.status IN ({statuses})"
    )


def _peppers() -> Sequence[bytes]:
    keys = tuple(settings.FIELD_ENCRYPTION_KEYS)
    if not keys:
        raise ImproperlyConfigured("FIELD_ENCRYPTION_KEYS is not set: no webhook address can be found.")
    return _derived(keys)


@lru_cache(maxsize=4)
def _derived(keys: tuple[str, ...]) -> tuple[bytes, ...]:
    return tuple(hmac.new(key.encode(), b"webhook keys", hashlib.sha256).digest() for key in keys)


@lru_cache(maxsize=1024)
def _hide(key: str) -> None:
    """Keep a key that is in use out of the logs of this process."""
    register_secret(key)
