"""How events, objects and blocks read in lists and on pages."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from accounts.models import User
from integrations.models import Block, Event, EventObject
from synclogs.admin import html
from synclogs.admin.words import ago, humanized, number

DEEP = (dict, list)


def amount(row: Event | Block) -> str:
    """The number of an event or a block with its unit; empty where there is none."""
    if row.value is None:
        return ""
    return f"{number(Decimal(row.value) / (row.value_multiplier or 1))} {row.value_unit}".strip()


def previous_amount(event: Event) -> str:
    """What its number was before it changed; empty where it never did."""
    before = event.event_metadata.get("previous_value")
    multiplier = event.event_metadata.get("previous_multiplier")
    if not isinstance(before, int) or not isinstance(multiplier, int):
        return ""
    return f"{number(Decimal(before) / (multiplier or 1))} {event.value_unit}".strip()


def happened(event: Event) -> SafeString:
    """When it happened, as a date; how long ago on hover."""
    local = timezone.localtime(event.time)
    text = f"{local:%b} {local.day}, {local:%Y}, {f'{local:%I:%M %p}'.lstrip('0')}"
    return format_html('<span class="op-nowrap" title="{}">{}</span>', ago(event.time), text)


def sentence(event: Event) -> str:
    """An event in words: who, what, to whom."""
    return f"{event.actor.title} {humanized(event.action).lower()} {event.target.title}"


def presence(row: Event | EventObject | Block) -> SafeString | str:
    """A label where the vendor has withdrawn it."""
    return html.label("deleted", "mute", title="Withdrawn by the vendor; kept.") if row.deleted_at else ""


def object_link(row: EventObject, user: User) -> SafeString | str:
    """An object, with what it is."""
    return html.stacked(html.row_link(row, user), html.muted(humanized(row.type)))


def card(block: Block) -> dict[str, Any]:
    """A block as a card: its type, title, number, picture, and its plain details."""
    plain = [
        (humanized(key), str(value))
        for key, value in block.metadata.items()
        if value not in (None, "") and not isinstance(value, DEEP)
    ]
    deep = {key: value for key, value in block.metadata.items() if isinstance(value, DEEP)}
    return {
        "type": humanized(block.block_type or "detail"),
        "title": block.title,
        "amount": amount(block),
        "deleted": presence(block),
        "when": html.when(block.time) if block.time else "",
        "facts": plain,
        "more": html.pretty_json(deep) if deep else "",
        "url": block.url if block.url.startswith("https://") else "",
    }
