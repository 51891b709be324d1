"""Zuora's three ways of writing a moment."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

from integrations.http.errors import RecordError

_ZONE_WORD = re.compile(r"\s*(?:UTC|GMT)$", re.IGNORECASE)


def moment(value: Any, source: str) -> datetime | None:
    """A moment in UTC, None when there is none: ISO 8601, `... UTC` after a blank, or without a zone (UTC).

    Raises RecordError for anything else.
    """
    if value is None or value == "":
        return None
    if isinstance(value, str):
        try:
            found = datetime.fromisoformat(_ZONE_WORD.sub("+00:00", value.strip()))
            return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
        except (ValueError, OverflowError):
            pass
    raise RecordError(f"{source} is no moment: {str(value)[:40]}", code="bad_date", field=source)
