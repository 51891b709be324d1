"""Checks of a value against the field that is to hold it, the same on every database."""

from __future__ import annotations

import math
import re
from decimal import Decimal
from typing import Any

from django.db import models

from integrations.http.errors import RecordError

_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,4})?", re.ASCII)
_INT32 = 2**31
_INT64 = 2**63


def text(value: Any, field: models.Field[Any, Any], source: str) -> str:
    """Text that fits a CharField or TextField, stripped; None is empty.

    Raises RecordError when it is not text, is too long or holds a character that no database stores.
    """
    if value is None:
        return ""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise RecordError(f"{source} should be text, but is {_kind(value)}", code="wrong_type", field=source)
    cleaned = storable(str(value).strip(), source)
    if field.max_length is not None and len(cleaned) > field.max_length:
        raise RecordError(
            f"{source} is {len(cleaned)} characters long, {field.max_length} fit",
            code="too_long",
            field=source,
        )
    return cleaned


def storable(value: str, source: str) -> str:
    """The same text. Raises RecordError when it holds NUL or half a surrogate pair."""
    bad = "\x00" in value
    if not bad and not value.isascii():
        try:
            value.encode()
        except UnicodeEncodeError:
            bad = True
    if bad:
        raise RecordError(
            f"{source} contains a character that no database stores (NUL or half a surrogate pair)",
            code="bad_character",
            field=source,
        )
    return value


def decimal(value: Any, field: models.DecimalField[Any, Any], source: str) -> Decimal:
    """A number rounded to the field's places; None, booleans and text that is no number are 0.

    Raises RecordError when it does not fit or is an object or a list.
    """
    places = field.decimal_places
    number = _number(value, source) or Decimal(0)
    limit = Decimal(10) ** (field.max_digits - places)
    if abs(number) < limit:
        rounded = number.quantize(Decimal(1).scaleb(-places))
        if abs(rounded) < limit:
            return rounded
    raise RecordError(f"{source} is out of range: {str(value)[:40]}", code="out_of_range", field=source)


def integer(value: Any, source: str) -> int | None:
    """A 32-bit whole number; None for null, booleans and text that is no number.

    Raises RecordError when it has a fraction, does not fit, or is an object or a list.
    """
    number = _number(value, source)
    if number is None:
        return None
    if abs(number) >= _INT32:
        raise RecordError(f"{source} is out of range: {str(value)[:40]}", code="out_of_range", field=source)
    if number != int(number):
        raise RecordError(
            f"{source} should be a whole number, but is {_kind(value)}", code="wrong_type", field=source
        )
    return int(number)


def plain(value: Any, source: str, longest: int) -> Any:
    """A plain value for a JSON column; text is cut to `longest` characters.

    Raises RecordError for an object, a list, or what JSON columns cannot hold.
    """
    if isinstance(value, str):
        return storable(value[:longest], source)
    if isinstance(value, dict | list):
        raise RecordError(f"{source} should be a plain value", code="wrong_type", field=source)
    too_big = isinstance(value, int) and abs(value) >= _INT64
    if too_big or (isinstance(value, float) and not math.isfinite(value)):
        raise RecordError(f"{source} is out of range: {str(value)[:40]}", code="out_of_range", field=source)
    return value


def _number(value: Any, source: str) -> Decimal | None:
    """The exact number; None when there is none. Raises RecordError for an object, a list or infinity."""
    if value is None or isinstance(value, bool):
        return None
    if isinstance(value, str):
        stripped = value.strip()
        return Decimal(stripped) if _NUMBER.fullmatch(stripped) else None
    if not isinstance(value, int | float | Decimal):
        raise RecordError(
            f"{source} should be a number, but is {_kind(value)}", code="wrong_type", field=source
        )
    number = Decimal(str(value)) if isinstance(value, float) else Decimal(value)
    if not number.is_finite():
        raise RecordError(f"{source} is out of range: {value}", code="out_of_range", field=source)
    return number


def _kind(value: Any) -> str:
    if isinstance(value, dict):
        return "an object"
    if isinstance(value, list):
        return "a list"
    return f"{type(value).__name__} {str(value)[:40]!r}"
