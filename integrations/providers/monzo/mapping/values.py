"""Reading single values of Monzo's replies: docs/monzo.md, "Values"."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings

from integrations.http.errors import RecordError
from integrations.sync.activity.drafts import Measure

# ISO 4217 currencies whose minor unit is not a hundredth.
EXPONENTS = {
    **dict.fromkeys(
        ("BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "UYI", "VND", "VUV"), 0
    ),
    **dict.fromkeys(("XAF", "XOF", "XPF"), 0),
    **dict.fromkeys(("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"), 3),
    **dict.fromkeys(("CLF", "UYW"), 4),
}
_MOMENT = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(Z|[+-]\d\d:\d\d)", re.ASCII)
MAX_BIGINT = 2**63 - 1


def exponent(currency: str) -> int:
    """How many decimals a currency's minor unit has (GBP 2, JPY 0, KWD 3)."""
    return EXPONENTS.get(currency.upper(), 2)


def money(record: Mapping[str, Any], name: str, currency: str) -> Measure:
    """An amount in minor units with the multiplier of its currency. Raises RecordError."""
    return Measure(minor_units(record, name), 10 ** exponent(currency))


def minor_units(record: Mapping[str, Any], name: str) -> int:
    """A signed whole number. Raises RecordError for anything else, and for what no column holds."""
    value = record.get(name)
    if isinstance(value, bool) or not isinstance(value, int) or abs(value) > MAX_BIGINT:
        raise RecordError(f"{name}: {value!r} is no whole number", code="bad_amount", field=name)
    return value


def currency_of(record: Mapping[str, Any], name: str = "currency") -> str:
    """A currency's three letters. Raises RecordError."""
    value = record.get(name)
    if not isinstance(value, str) or not re.fullmatch(r"[A-Z]{3}", value, re.ASCII):
        raise RecordError(f"{name}: {value!r} is no currency", code="bad_currency", field=name)
    return value


def moment(record: Mapping[str, Any], name: str) -> datetime:
    """A time in UTC; more than six decimals are cut. Raises RecordError."""
    found = moment_or_none(record, name)
    if found is None:
        raise RecordError(f"{name} is missing", code="missing", field=name)
    return found


def moment_or_none(record: Mapping[str, Any], name: str) -> datetime | None:
    """The same, None for what is absent, null or empty ("" is no date). Raises RecordError."""
    value = record.get(name)
    if value is None or value == "":
        return None
    found = _MOMENT.fullmatch(value) if isinstance(value, str) else None
    try:
        if found is None:
            raise ValueError
        seconds, fraction, zone = found.groups()
        text = f"{seconds}.{(fraction or '0')[:6]:0<6}{'+00:00' if zone == 'Z' else zone}"
        return datetime.fromisoformat(text).astimezone(UTC)
    except (ValueError, OverflowError):
        raise RecordError(f"{name}: {value!r} is no time", code="bad_time", field=name) from None


def text(record: Mapping[str, Any], name: str) -> str:
    """A text with its spaces collapsed; empty for anything else."""
    value = record.get(name)
    return " ".join(value.split()) if isinstance(value, str) else ""


def mapping(record: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """An object; an empty one for anything else."""
    value = record.get(name)
    return value if isinstance(value, dict) else {}


def identifier(record: Any, what: str) -> str:
    """The id of a record. Raises RecordError when there is none."""
    value = record.get("id") if isinstance(record, dict) else None
    if not isinstance(value, str) or not value.strip():
        raise RecordError(f"a {what} without an id", code="missing", field="id")
    return value


@lru_cache(maxsize=4)
def zone(name: str = "") -> ZoneInfo:
    """Where days begin and end; MONZO_TIME_ZONE unless said otherwise."""
    return ZoneInfo(name or settings.MONZO_TIME_ZONE)


def local_day(at: datetime) -> date:
    """The day that a moment falls on there."""
    return at.astimezone(zone(settings.MONZO_TIME_ZONE)).date()


def end_of_day(day: date) -> datetime:
    """The last microsecond of a day there, which has 23, 24 or 25 hours, in UTC."""
    midnight = datetime.combine(day + timedelta(days=1), time(), zone(settings.MONZO_TIME_ZONE))
    return midnight.astimezone(UTC) - timedelta(microseconds=1)
