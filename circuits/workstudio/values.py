"""WorkStudio's encodings of single values: docs/workstudio.md, "Values"."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from typing import Any

from integrations.http.errors import RecordError

_WRAPPED = re.compile(r"\\?/Date\((?P<inner>[^)]*)\)\\?/")
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_MOMENT = re.compile(r"\d{4}-\d{2}-\d{2}[T ]\d{2}:.*", re.ASCII)
_EPOCH = re.compile(r"-?\d+", re.ASCII)
_EPOCH_START = datetime(1970, 1, 1, tzinfo=UTC)

NO_DATE_YEAR = 1900
"""Day zero of OLE dates (1899-12-30) and everything up to this year mean "no date"."""


def moment(value: Any, source: str) -> datetime | None:
    """An aware UTC moment from `/Date(...)/`; None for every way WorkStudio writes "no date".

    A plain day becomes its midnight in UTC. Raises RecordError when it is no date at all.
    """
    parsed = _parse(value, source)
    if isinstance(parsed, datetime) or parsed is None:
        return parsed
    return datetime(parsed.year, parsed.month, parsed.day, tzinfo=UTC)


def day(value: Any, source: str) -> date | None:
    """A calendar day from `/Date(...)/`, without any time-zone shift; None for "no date".

    Raises RecordError when it is no date at all.
    """
    parsed = _parse(value, source)
    return parsed.date() if isinstance(parsed, datetime) else parsed


def _parse(value: Any, source: str) -> date | datetime | None:
    if value is None:
        return None
    if not isinstance(value, str):
        raise RecordError(
            f"{source} should be a date, but is {str(value)[:60]!r}", code="wrong_type", field=source
        )
    stripped = value.strip()
    wrapped = _WRAPPED.fullmatch(stripped)
    inner = wrapped["inner"].strip() if wrapped else stripped
    if not inner:
        return None
    try:
        parsed = _read(inner, is_wrapped=wrapped is not None)
    except (ValueError, OverflowError):
        raise RecordError(f"{source} is not a date: {value[:60]!r}", code="bad_date", field=source) from None
    return None if parsed.year <= NO_DATE_YEAR else parsed


def _read(inner: str, *, is_wrapped: bool) -> date | datetime:
    if _DAY.fullmatch(inner):
        return date.fromisoformat(inner)
    if is_wrapped and _EPOCH.fullmatch(inner):
        return _EPOCH_START + timedelta(milliseconds=int(inner))
    if not _MOMENT.fullmatch(inner):
        raise ValueError(inner)
    parsed = datetime.fromisoformat(inner)
    return parsed.replace(tzinfo=UTC) if parsed.tzinfo is None else parsed.astimezone(UTC)
