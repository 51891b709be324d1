"""The door: from the head of a request to its answer. docs/webhooks.md, "What is answered".

Nothing that is sent here reaches an exception: what is not genuine is refused and counted, a verified body
that the provider's code cannot read is kept, and only a database that is away is a 503.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace
from typing import TypeVar

from django.conf import settings
from django.db import Error as DatabaseError
from django.db import connection, transaction

from integrations.credentials.encryption import SecretUnreadable
from integrations.registry import webhook_of
from integrations.webhooks import keys
from integrations.webhooks.declaration import Answer, Reading, Recipient, Webhook
from integrations.webhooks.messages import Denial, Head, Incoming, Malformed, Reply
from integrations.webhooks.store import Unread, announced_length, content_type, count_rejection, store
from integrations.webhooks.verifiers import Unverified

T = TypeVar("T")

logger = logging.getLogger("syncplatform.webhooks")

READING_METHODS = ("GET", "HEAD")
NOTHING_HERE = Denial(404, error="There is nothing here.")
UNKNOWN_KEY = replace(NOTHING_HERE, reason="unknown_key")
TOO_SLOW = Denial(408, "too_slow", "The body came too slowly.")
UNAVAILABLE = Denial(
    503, error="The delivery could not be stored; send it again.", headers=(("Retry-After", "5"),)
).reply


def admit(head: Head) -> Webhook | Denial:
    """Judge a head alone, without the database: the provider's declaration, or why the body is not read."""
    webhook = webhook_of(head.provider)
    if webhook is None:
        return NOTHING_HERE
    methods = ("POST",) if webhook.probe is None else ("POST", *READING_METHODS)
    if head.method not in methods:
        return Denial(405, error="Send a POST.", headers=(("Allow", ", ".join(methods)),))
    size = sum(len(name) + len(value) + 4 for name, value in head.headers.items())
    if size > settings.WEBHOOK_MAX_HEADER_BYTES:
        return Denial(431, "headers_too_large", "The headers are too large.")
    if (announced_length(head) or 0) > webhook.body_limit:
        return too_large(webhook)
    return webhook


def too_large(webhook: Webhook) -> Denial:
    """Why a body beyond the limit is not read."""
    return Denial(413, "too_large", f"The body may have {webhook.body_limit:,} bytes.")


def recognize(head: Head) -> Recipient | Reply:
    """Whose address a head came to, or the answer to an unknown one."""
    try:
        recipient = _twice(lambda: keys.find_recipient(head.provider, head.key, head.received_at))
    except DatabaseError as error:
        return _unavailable(head, error)
    return recipient or deny(head, UNKNOWN_KEY)


def receive(head: Head, webhook: Webhook, recipient: Recipient, body: bytes) -> Reply:
    """Verify, read and store one delivery, and say what to answer."""
    if webhook.probe is not None and head.method in READING_METHODS:
        return webhook.probe(head, recipient)
    incoming = Incoming(head, body, webhook.body_limit)
    try:
        _verify(incoming, webhook, recipient)
    except Unverified as error:
        return deny(head, Denial(webhook.unverified_status, error.reason), body)
    except SecretUnreadable as error:
        logger.error("webhooks of %s cannot be verified: %s", head.provider, error)
        return UNAVAILABLE
    if webhook.content_types and content_type(head) not in webhook.content_types:
        expected = " or ".join(sorted(webhook.content_types))
        return deny(head, Denial(415, "content_type", f"The Content-Type should be {expected}."), body)
    try:
        reading = _read(incoming, webhook, recipient)
        if isinstance(reading, Answer):
            return reading.reply
        return webhook.acknowledge(_twice(lambda: store(incoming, recipient, webhook.job, reading)))
    except Malformed as error:
        return deny(head, Denial(400, "malformed", f"Not understood: {error}."), body)
    except DatabaseError as error:
        return _unavailable(head, error)


def answer(head: Head, webhook: Webhook, body: bytes) -> Reply:
    """`recognize` and `receive` in one, for a body that was read before its key was looked up."""
    recipient = recognize(head)
    return receive(head, webhook, recipient, body) if isinstance(recipient, Recipient) else recipient


def deny(head: Head, denial: Denial, body: bytes | None = None) -> Reply:
    """Count a refused delivery and answer; a count that cannot be stored does not change the answer."""
    if not denial.reason:
        return denial.reply
    try:
        with transaction.atomic():
            is_first = count_rejection(head, denial.reason, denial.status, body)
        if is_first:
            logger.warning("webhooks of %s are refused: %s", head.provider, denial.reason)
    except DatabaseError as error:
        logger.warning("a refused webhook of %s was not counted: %s", head.provider, error)
        _close_if_broken()
    return denial.reply


def _verify(incoming: Incoming, webhook: Webhook, recipient: Recipient) -> None:
    """Raises Unverified, also for whatever a verifier raises about what was sent; and SecretUnreadable."""
    try:
        webhook.verify.verify(incoming, recipient.secrets)
    except (Unverified, SecretUnreadable):
        raise
    except Exception as error:
        logger.warning("the verifier of %s raised %s", incoming.head.provider, type(error).__name__)
        raise Unverified("verifier_raised") from error


def _read(incoming: Incoming, webhook: Webhook, recipient: Recipient) -> Reading | Unread:
    """What the provider makes of a verified body. Raises Malformed; a defect of its code loses nothing."""
    try:
        return webhook.read(incoming, recipient)
    except (Malformed, DatabaseError):
        raise
    except Exception as error:
        logger.exception("a verified webhook of %s could not be read; it is kept", incoming.head.provider)
        return Unread(f"could not be read: {type(error).__name__}")


def _twice(ask: Callable[[], T]) -> T:
    """Ask the database, once more on a new connection when the old one turns out to be dead."""
    try:
        return ask()
    except DatabaseError:
        if connection.in_atomic_block or not _close_if_broken():
            raise
        return ask()


def _unavailable(head: Head, error: DatabaseError) -> Reply:
    logger.error("a webhook of %s could not be stored: %s: %s", head.provider, type(error).__name__, error)
    _close_if_broken()
    return UNAVAILABLE


def _close_if_broken() -> bool:
    """Drop this thread's connection when it does not work any more; whether it was dropped."""
    if connection.in_atomic_block or connection.connection is None or connection.is_usable():
        return False
    connection.close()
    return True
