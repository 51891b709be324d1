"""Redaction of nested data."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, time, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from synclogs.redaction.known import without_registered
from synclogs.redaction.text import redact_text
from synclogs.redaction.words import REDACTED, as_text, is_sensitive_name

_MAX_DEPTH = 40


def redact_value(value: Any) -> Any:
    """A copy of nested data without secrets: values under sensitive keys go, all other text is redacted.

    Numbers, dates, booleans and None stay as they are (a boolean or None under a sensitive key too). Bytes
    and unknown objects become redacted text, sets become lists, a cycle or a depth over 40 becomes a
    marker.
    """
    return _redacted(value, ())


def _redacted(value: Any, path: tuple[int, ...]) -> Any:
    if value is None or isinstance(value, (bool, int, float, Decimal, date, time, timedelta, UUID)):
        return value
    if not isinstance(value, (Mapping, list, tuple, set, frozenset)):
        return redact_text(as_text(value))
    if id(value) in path:
        return "[cycle]"
    if len(path) >= _MAX_DEPTH:
        return "[too deep]"
    inner = (*path, id(value))
    try:
        return _redacted_container(value, inner)
    except Exception:  # a container of someone else's may fail in any way
        return f"[unprintable {type(value).__name__}]"


def _redacted_container(value: Any, path: tuple[int, ...]) -> Any:
    if isinstance(value, Mapping):
        return {_redacted_key(key): redacted_member(key, member, path) for key, member in value.items()}
    if isinstance(value, tuple):
        if len(value) == 2 and isinstance(value[0], (str, bytes)):
            return (_redacted(value[0], path), redacted_member(value[0], value[1], path))
        return tuple(_redacted(member, path) for member in value)
    return [_redacted(member, path) for member in value]


def _redacted_key(key: Any) -> Any:
    return without_registered(key) if isinstance(key, str) else key


def redacted_member(name: object, value: Any, path: tuple[int, ...] = ()) -> Any:
    """A value as it may be shown under its name."""
    if isinstance(name, (str, bytes)) and is_sensitive_name(name):
        return value if value is None or isinstance(value, bool) or value in ("", b"") else REDACTED
    return _redacted(value, path)
