"""Numbers, units and names of an export, and what ids are made of."""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, NamedTuple

from integrations.http.errors import RecordError

Json = Mapping[str, Any]
LONGEST_UNIT = 60


class Quantity(NamedTuple):
    """A number and the unit that the phone gave it, as it was received."""

    number: Decimal
    unit: str


class Reading(NamedTuple):
    """A point's number, and its details as (block type, title, number)."""

    value: Decimal
    details: tuple[tuple[str, str, Decimal], ...] = ()


def number(value: Any, field: str) -> Decimal:
    """An exact number. Raises RecordError for null, text, a truth value and what is not finite."""
    found = optional_number(value)
    if found is None:
        shown = "missing" if value is None else f"no number: {str(value)[:40]!r}"
        raise RecordError(f"{field} is {shown}", code="bad_number", field=field)
    return found


def optional_number(value: Any) -> Decimal | None:
    """An exact number, or None where there is none."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return Decimal(str(value))


def first_number(point: Json, *names: str) -> Decimal | None:
    """The first of these members that is a number, whatever the case of its name's first letter."""
    for name in names:
        for spelling in (name, name.lower()):
            found = optional_number(point.get(spelling))
            if found is not None:
                return found
    return None


def quantity(value: Any) -> Quantity | None:
    """A `{qty, units}` object; None for anything else, or without a number."""
    if not isinstance(value, dict):
        return None
    found = optional_number(value.get("qty"))
    return None if found is None else Quantity(found, unit(value.get("units")))


def unit(value: Any) -> str:
    """A unit as the phone wrote it, in whatever language."""
    return value.strip()[:LONGEST_UNIT] if isinstance(value, str) else ""


def text(value: Any, longest: int = 200) -> str:
    """Text that may be missing."""
    return value.strip()[:longest] if isinstance(value, str) else ""


def source_hash(point: Json) -> str:
    """Eight hex digits for the device that a point comes from, which may be unnamed."""
    return hashlib.sha256(text(point.get("source"), 1000).encode("utf-8", "replace")).hexdigest()[:8]


def normalized(header: Any) -> str:
    """A header's value whatever way the app's version spells it: `Since Last Sync` is `sincelastsync`."""
    return re.sub(r"[\s\-_]", "", text(header)).lower()


def humanized(name: str) -> str:
    """A metric's name as words: `step_count` becomes `Step count`."""
    return name.replace("_", " ").strip().capitalize()
