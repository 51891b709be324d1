"""What a mapper makes of a vendor's record: drafts of objects, events and blocks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any, NamedTuple

FRACTION_MULTIPLIER = 1000


class Measure(NamedTuple):
    """A number as it is stored: the real one is value / multiplier. Both are None where there is none."""

    value: int | None
    multiplier: int | None


def measure(number: Decimal | float | None) -> Measure:
    """A whole number as it is, any other rounded half to even to thousandths, with its sign.

    Raises ValueError for what is not finite.
    """
    if number is None:
        return NO_MEASURE
    exact = number if isinstance(number, Decimal) else Decimal(str(number))
    if not exact.is_finite():
        raise ValueError(f"not a finite number: {number}")
    if exact == exact.to_integral_value():
        return Measure(int(exact), 1)
    scaled = (exact * FRACTION_MULTIPLIER).to_integral_value(rounding=ROUND_HALF_EVEN)
    return Measure(int(scaled), FRACTION_MULTIPLIER)


NO_MEASURE = Measure(None, None)


@dataclass(frozen=True, slots=True)
class ObjectDraft:
    """An object. Its natural key is `external_id`, or `t:` and the title where there is none.

    `key_type` is the type under which it is known when its `type` may change (a pot that was archived).
    `stub` says that only its name is known: it is made where there is none and never replaces a row.
    """

    concept: str
    type: str
    title: str
    external_id: str = ""
    time: datetime | None = None
    content: str = ""
    metadata: Mapping[str, Any] = field(default_factory=dict)
    url: str = ""
    media_url: str = ""
    key_type: str = ""
    stub: bool = False

    @property
    def natural_key(self) -> str:
        """What tells it from others of its concept and type."""
        return self.external_id or f"t:{self.title}"


@dataclass(frozen=True, slots=True)
class BlockDraft:
    """A detail card of an event, known there by its type and title."""

    block_type: str
    title: str
    time: datetime | None = None
    metadata: Mapping[str, Any] = field(default_factory=dict)
    url: str = ""
    media_url: str = ""
    measure: Measure = NO_MEASURE
    unit: str = ""


@dataclass(frozen=True, slots=True)
class EventDraft:
    """Something that happened, known in its connection by `source_id`.

    Money is in minor units with the multiplier of its currency, and has its sign. `deleted` says that the
    vendor has withdrawn it: the row is kept and marked; it returns when it comes again without.
    """

    source_id: str
    time: datetime
    domain: str
    action: str
    actor: ObjectDraft
    target: ObjectDraft
    measure: Measure = NO_MEASURE
    unit: str = ""
    metadata: Mapping[str, Any] = field(default_factory=dict)
    actor_metadata: Mapping[str, Any] = field(default_factory=dict)
    target_metadata: Mapping[str, Any] = field(default_factory=dict)
    blocks: tuple[BlockDraft, ...] = ()
    deleted: bool = False


Draft = EventDraft | ObjectDraft
