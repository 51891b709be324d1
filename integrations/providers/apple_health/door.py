"""What the receiver asks about a phone's delivery: docs/apple-health.md, "Deliveries"."""

from __future__ import annotations

from django.conf import settings

from integrations.providers.apple_health.envelope import MAPPED, Export, NotAnExport
from integrations.webhooks.declaration import Fate, Ignore, Reading, Receipt, Recipient, Take
from integrations.webhooks.messages import Incoming, Malformed, Reply
from integrations.webhooks.verifiers import HeaderSecret

VERIFIER = HeaderSecret(
    headers=("X-API-Key", "api-key", "Authorization"), secrets=("header_key", "previous_header_key")
)


def max_body_bytes() -> int:
    """The longest body."""
    return int(settings.APPLE_HEALTH_MAX_BODY_MB) << 20


def read(incoming: Incoming, recipient: Recipient) -> Reading:
    """Which arrays it holds. A body is its own id: the phone sends none, and repeats what it has sent."""
    try:
        counts = dict(Export(incoming.content).counts)
    except NotAnExport as error:
        raise Malformed(str(error)) from error
    unmapped = sorted(counts.keys() - set(MAPPED))
    notes = {"arrays": counts, "session_id": incoming.header("session-id")[:100], "not_mapped": unmapped}
    if not counts:
        return Ignore("holds nothing", notes=notes)
    if not counts.keys() & set(MAPPED):
        return Ignore(f"holds only {', '.join(unmapped)}, which is kept and not mapped", notes=notes)
    return Take(notes=notes)


def acknowledge(receipt: Receipt) -> Reply:
    """What the app shows in its log."""
    said = {"status": receipt.fate.value, "delivery_id": str(receipt.delivery_id)}
    return Reply.json(said | ({"reason": receipt.reason} if receipt.fate is Fate.IGNORED else {}))
