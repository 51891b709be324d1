"""Values on their way into columns: checked against their fields, and put into the database's own form."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

import msgspec
from django.db import connection, models
from django.db.backends.utils import format_number

from integrations.http.errors import RecordError

Cell = Callable[[Any], Any]


class Cells:
    """Checks and converts the values of some fields, in place and fast: most pass untouched."""

    def __init__(self, fields: Sequence[models.Field[Any, Any]]) -> None:
        self._fields = fields
        self._required = [place for place, field in enumerate(fields) if not field.null]
        self._texts: list[tuple[int, int]] = []
        self._whole: list[tuple[int, int, int]] = []
        self._others: list[tuple[int, Cell]] = []
        for place, field in enumerate(fields):
            self._sort_in(place, field)

    def adapt(self, values: list[Any]) -> None:
        """Make the values ready for the database. Raises RecordError that names the field at fault."""
        if None in values:
            for place in self._required:
                if values[place] is None:
                    raise self._error(place, "is missing", "missing")
        for place, longest in self._texts:
            text = values[place]
            if text is not None and len(text) > longest:
                raise self._error(place, f"is {len(text)} characters long, {longest} fit", "too_long")
        for place, low, high in self._whole:
            number = values[place]
            if number is not None and not low <= number <= high:
                raise self._error(place, f"is out of range: {str(number)[:40]}", "out_of_range")
        for place, convert in self._others:
            value = values[place]
            if value is not None:
                try:
                    values[place] = convert(value)
                except (ValueError, ArithmeticError):
                    raise self._error(place, f"is out of range: {str(value)[:40]}", "out_of_range") from None

    def _error(self, place: int, what: str, code: str) -> RecordError:
        name = self._fields[place].name
        return RecordError(f"{name} {what}", code=code, field=name)

    def _sort_in(self, place: int, field: models.Field[Any, Any]) -> None:
        while isinstance(field, models.ForeignKey):
            field = field.target_field
        if isinstance(field, models.IntegerField):
            low, high = connection.ops.integer_field_range(field.get_internal_type())
            if low is not None and high is not None:
                self._whole.append((place, low, high))
        elif isinstance(field, models.CharField):
            if field.max_length is not None:
                self._texts.append((place, field.max_length))
        elif not isinstance(field, models.TextField | models.BooleanField | models.FloatField):
            convert = _converter(field)
            if convert is not None:
                self._others.append((place, convert))


def _converter(field: models.Field[Any, Any]) -> Cell | None:
    """How the field's values become the database's, None when they pass as they are."""
    on_postgres = connection.vendor == "postgresql"
    if isinstance(field, models.JSONField):
        return _json(field)
    if isinstance(field, models.DateTimeField):
        return aware if on_postgres else _text_of_time
    if isinstance(field, models.DecimalField):
        return _decimal(field, as_text=not on_postgres)
    if on_postgres and isinstance(field, models.DateField | models.TimeField | models.UUIDField):
        return None
    return lambda value: field.get_db_prep_save(value, connection)


def json_text(value: Any) -> str:
    """The value as JSON; a slice of a reply stays as it was received."""
    packed = value if isinstance(value, msgspec.Raw) else msgspec.json.encode(value)
    return str(packed, "utf-8")


def _json(field: models.JSONField[Any, Any]) -> Cell:
    """JSON null is SQL's NULL where the column takes that, else the column's default."""
    empty = None if field.null else json_text(field.get_default())

    def convert(value: Any) -> str | None:
        text = json_text(value)
        return empty if text == "null" else text

    return convert


def aware(value: datetime) -> datetime:
    """The time, taken for UTC when it does not say."""
    return value if value.tzinfo is not None else value.replace(tzinfo=UTC)


def _text_of_time(value: datetime) -> str:
    if value.tzinfo is not None:
        value = value.astimezone(UTC).replace(tzinfo=None)
    return value.isoformat(" ")


def _decimal(field: models.DecimalField[Any, Any], *, as_text: bool) -> Cell:
    digits, places = field.max_digits, field.decimal_places
    limit = Decimal(10) ** (digits - places)

    def convert(value: Decimal) -> Decimal | str | None:
        if not -limit < value < limit:
            raise InvalidOperation
        return format_number(value, digits, places) if as_text else value

    return convert
