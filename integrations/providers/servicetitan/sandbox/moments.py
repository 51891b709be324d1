"""Moments as the vendor writes them: UTC with seven fractional digits."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

TICKS = 10**7
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}$")
_MOMENT = re.compile(
    r"(?P<whole>\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2})(?:\.(?P<part>\d{1,9}))?(?P<zone>Z|[+-]\d{2}:\d{2})?$"
)


def stamp(ticks: int) -> str:
    """A moment, counted in 100 ns since 1970, as the vendor writes it. Stamps sort like their moments."""
    seconds, part = divmod(ticks, TICKS)
    return f"{_EPOCH + timedelta(seconds=seconds):%Y-%m-%dT%H:%M:%S}.{part:07d}Z"


def ticks_of(moment: datetime) -> int:
    """A moment counted in 100 ns since 1970."""
    since = moment - _EPOCH
    return (since.days * 86_400 + since.seconds) * TICKS + since.microseconds * 10


def read(text: str) -> str | None:
    """A date or a moment from a query as a stamp; None when it is neither."""
    if _DATE.match(text):
        text += "T00:00:00Z"
    found = _MOMENT.match(text)
    if found is None:
        return None
    try:
        whole = datetime.fromisoformat(f"{found['whole']}{found['zone'] or 'Z'}")
    except ValueError:
        return None
    return stamp(ticks_of(whole) + int((found["part"] or "0").ljust(7, "0")[:7]))
