"""The dates of an export: docs/apple-health.md, "Dates"."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time
from typing import Any, NamedTuple

from integrations.http.errors import RecordError

_USUAL = re.compile(r"(\d{4}-\d\d-\d\d)[ T](\d\d:\d\d:\d\d(?:\.\d{1,6})?) ?([+-]\d\d:?\d\d|Z)", re.ASCII)
_TWELVE_HOURS = re.compile(
    r"(\d{4}-\d\d-\d\d) (\d{1,2}):(\d\d):(\d\d) ?([AaPp])\.?[Mm]\.? ?([+-]\d\d:?\d\d)", re.ASCII
)
_DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_ODD_SPACES = str.maketrans({"\u202f": " ", "\u00a0": " ", "\u2009": " "})


class Moment(NamedTuple):
    """An instant in UTC, and the offset it was written with (`+0100`; empty for a day without a time)."""

    at: datetime
    offset: str

    @property
    def stamp(self) -> str:
        """The instant as part of an id: `20260329T013000Z`."""
        return f"{self.at:%Y%m%dT%H%M%SZ}"


def parse_moment(value: Any, field: str) -> Moment:
    """An instant. A day without a time is its midnight in UTC.

    Raises RecordError for anything else, also for a time without an offset.
    """
    text = _text(value, field)
    try:
        if found := _USUAL.fullmatch(text):
            day, clock, offset = found.groups()
            local = datetime.fromisoformat(f"{day}T{clock}{offset}")
            return Moment(local.astimezone(UTC), f"{local:%z}")
        if found := _TWELVE_HOURS.fullmatch(text):
            day, hour, minute, second, half, offset = found.groups()
            local = datetime.fromisoformat(f"{day}T{_hour(hour, half):02}:{minute}:{second}{offset}")
            return Moment(local.astimezone(UTC), f"{local:%z}")
        if _DAY.fullmatch(text):
            return Moment(datetime.combine(date.fromisoformat(text), time(), UTC), "")
    except (ValueError, OverflowError):
        pass
    raise _unusable(text, field)


def parse_day(value: Any, field: str) -> str:
    """The day that a date or a time lies on, where it was written: `2026-03-29`."""
    parse_moment(value, field)
    return _text(value, field)[:10]


def _hour(text: str, half: str) -> int:
    hour = int(text)
    if not 1 <= hour <= 12:
        raise ValueError(text)
    return hour % 12 + (12 if half in "pP" else 0)


def _text(value: Any, field: str) -> str:
    if not isinstance(value, str) or not value.strip():
        raise RecordError(f"{field} is missing", code="missing_date", field=field)
    return value.translate(_ODD_SPACES).strip()


def _unusable(text: str, field: str) -> RecordError:
    return RecordError(f"{field} is no date with an offset: {text[:60]!r}", code="bad_date", field=field)
