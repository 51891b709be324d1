"""What a provider says of its webhooks: docs/webhooks.md, "A provider's declaration"."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any
from uuid import UUID

from integrations.webhooks.messages import Head, Incoming, Reply, json_object
from integrations.webhooks.verifiers import Secrets, Verifier

if TYPE_CHECKING:
    from integrations.jobs.base import BaseJob

MEBIBYTE = 1 << 20


@dataclass(frozen=True, slots=True)
class Recipient:
    """Whose address a delivery came to."""

    credential_id: int
    account_id: int
    secrets: Secrets = field(repr=False)


@dataclass(frozen=True, slots=True)
class Take:
    """Keep the delivery and queue its job.

    `event_id` is the vendor's id of it (empty: the body's SHA-256), `attempt_no` which try of the vendor's
    this is; `notes` are kept for operators and for the job.
    """

    event_id: str = ""
    attempt_no: int = 0
    notes: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Ignore:
    """Keep the delivery whole, but nothing is to be done with it; `reason` is for operators."""

    reason: str
    event_id: str = ""
    attempt_no: int = 0
    notes: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Answer:
    """Answer at once and keep nothing: a challenge."""

    reply: Reply


Reading = Take | Ignore | Answer


class Fate(StrEnum):
    """What became of a delivery at the door."""

    ACCEPTED = "accepted"
    IGNORED = "ignored"
    DUPLICATE = "duplicate"


@dataclass(frozen=True, slots=True)
class Receipt:
    """A delivery that is safely stored. `delivery_id` of a duplicate is the first one's."""

    delivery_id: UUID
    fate: Fate
    reason: str = ""


def _empty_reply(receipt: Receipt) -> Reply:
    return Reply()


def _any_object(incoming: Incoming, recipient: Recipient) -> Reading:
    json_object(incoming.content)
    return Take()


@dataclass(frozen=True, slots=True)
class Webhook:
    """How deliveries of a provider are verified, read, answered, and which job takes them on.

    `job` gets `{"delivery": id}`. `read` looks at a verified body and says what to do with it; it raises
    Malformed for what makes no sense, and reads nothing but the body where it can. `unverified_status`
    answers what `verify` refuses; an unknown key is always a 404. `probe` answers GET and HEAD to a known
    key, for vendors that ask before they send. `content_types` may be empty: any.
    """

    job: type[BaseJob]
    verify: Verifier
    read: Callable[[Incoming, Recipient], Reading] = _any_object
    acknowledge: Callable[[Receipt], Reply] = _empty_reply
    probe: Callable[[Head, Recipient], Reply] | None = None
    max_body_bytes: int | Callable[[], int] = MEBIBYTE
    content_types: frozenset[str] = frozenset({"application/json"})
    unverified_status: int = 401

    @property
    def body_limit(self) -> int:
        """The longest body that is taken, in bytes, as sent and as inflated."""
        return self.max_body_bytes() if callable(self.max_body_bytes) else self.max_body_bytes
