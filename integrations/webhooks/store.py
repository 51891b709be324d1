"""A delivery and its job, stored together before anything is acknowledged; and the count of refused ones."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from typing import Any
from uuid import uuid4

from django.db.models import F
from django.utils import timezone

from integrations.jobs.base import BaseJob
from integrations.models import DeliveryStatus, WebhookDelivery
from integrations.webhooks.declaration import Fate, Ignore, Receipt, Recipient, Take
from integrations.webhooks.inserts import insert_delivery, insert_rejection
from integrations.webhooks.messages import Head, Incoming
from synclogs.redaction import REDACTED, is_sensitive_name, redact_text

LONGEST_EVENT_ID = 200
LONGEST_HEADER = 200
LONGEST_ERROR = 500
LONGEST_CONTENT = 64
MOST_ATTEMPTS = 10_000
KEPT_HEADERS = 40
HIDDEN_HEADERS = frozenset({"host", "connection", "content-length", "accept", "accept-encoding"})


@dataclass(frozen=True, slots=True)
class Unread:
    """A verified body that the provider's own code stumbled over: kept whole, and marked as failed."""

    error: str


Kept = Take | Ignore | Unread


def store(incoming: Incoming, recipient: Recipient, job: type[BaseJob], reading: Kept) -> Receipt:
    """Keep a verified delivery, with a job when it is taken; a repeat raises `duplicates` of the first.

    The dispatcher hands the job to the broker within a second. Raises django.db.Error.
    """
    delivery = _delivery(incoming, recipient, reading)
    work = _job(job, recipient, delivery) if isinstance(reading, Take) else None
    kept, is_new = insert_delivery(delivery, job, work)
    if not is_new:
        return Receipt(kept, Fate.DUPLICATE)
    if isinstance(reading, Ignore):
        return Receipt(kept, Fate.IGNORED, reading.reason)
    return Receipt(kept, Fate.ACCEPTED)


def count_rejection(head: Head, reason: str, status: int, body: bytes | None) -> bool:
    """Count a refused delivery: one row a provider, reason and minute, without its body.

    Returns whether it was the first of its minute. Raises django.db.Error.
    """
    slot = f"{head.provider}:{reason}:{head.received_at:%Y-%m-%dT%H:%M}"
    if WebhookDelivery.objects.filter(rejected_slot=slot).update(rejected_count=F("rejected_count") + 1):
        return False
    insert_rejection(
        {
            "id": uuid4(),
            "provider": head.provider,
            "received_at": head.received_at,
            "event_id": slot[:LONGEST_EVENT_ID],
            "headers": kept_headers(head.headers),
            "content_type": content_type(head)[:100],
            "body_sha256": hashlib.sha256(body).hexdigest() if body is not None else "",
            "body_size": len(body) if body is not None else announced_length(head) or 0,
            "http_status_returned": status,
            "error": reason,
            "rejected_slot": slot,
        }
    )
    return True


def kept_headers(headers: Mapping[str, str]) -> dict[str, str]:
    """The headers that say something of a delivery, cut short and without secrets."""
    return {
        name[:LONGEST_HEADER]: _kept_value(name, value)
        for name, value in islice(headers.items(), KEPT_HEADERS)
        if name not in HIDDEN_HEADERS
    }


def _kept_value(name: str, value: str) -> str:
    if _is_secret(name):
        return REDACTED if value else ""
    return redact_text(value[:LONGEST_HEADER].replace("\x00", ""))


@lru_cache(maxsize=512)
def _is_secret(name: str) -> bool:
    return is_sensitive_name(name)


def content_type(head: Head) -> str:
    """The media type of a body, without its parameters."""
    return head.header("content-type").partition(";")[0].strip().lower().replace("\x00", "")


def announced_length(head: Head) -> int | None:
    """The Content-Length, None when there is none or it is no number."""
    text = head.header("content-length").strip()
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= 15 else None


def _delivery(incoming: Incoming, recipient: Recipient, reading: Kept) -> dict[str, Any]:
    head = incoming.head
    digest = hashlib.sha256(incoming.body).hexdigest()
    row: dict[str, Any] = {
        "id": uuid4(),
        "provider": head.provider,
        "account_id": recipient.account_id,
        "credential_id": recipient.credential_id,
        "received_at": head.received_at,
        "event_id": digest,
        "attempt_no": 0,
        "headers": kept_headers(head.headers),
        "content_type": content_type(head)[:100],
        "body": incoming.body,
        "body_sha256": digest,
        "body_size": len(incoming.body),
        "status": DeliveryStatus.QUEUED.value,
        "http_status_returned": 200,
        "error": "",
        "notes": {},
    }
    if isinstance(reading, Unread):
        return row | {"status": DeliveryStatus.FAILED.value, "error": reading.error[:LONGEST_ERROR]}
    row["event_id"] = _event_id(reading.event_id) or digest
    row["attempt_no"] = min(max(reading.attempt_no, 0), MOST_ATTEMPTS)
    row["notes"] = dict(reading.notes)
    if isinstance(reading, Ignore):
        row |= {"status": DeliveryStatus.IGNORED.value, "error": reading.reason[:LONGEST_ERROR]}
    return row


def _event_id(given: str) -> str:
    """A vendor's id as the column takes it; one that is too long or odd is replaced by its hash."""
    if len(given) <= LONGEST_EVENT_ID and given.isprintable():
        return given
    return hashlib.sha256(given.encode("utf-8", "surrogatepass")).hexdigest()


def _job(cls: type[BaseJob], recipient: Recipient, delivery: Mapping[str, Any]) -> dict[str, Any]:
    args = {"delivery": str(delivery["id"]), "content": delivery["event_id"][:LONGEST_CONTENT]}
    now = timezone.now()
    return {
        "id": uuid4(),
        "account_id": recipient.account_id,
        "unique_key": cls.unique_key(None, args),
        "args": args,
        "run_at": now,
        "created_at": now,
    }
