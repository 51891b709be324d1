"""Values on their way into columns: checked against their fields, and put into the database's own form."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import msgspec
from django.db import connection, models
from django.db.backends.base.operations import BaseDatabaseOperations
from django.db.backends.utils import format_number

from integrations.http.errors import RecordError

Cell = Callable[[Any], Any]

_encode = msgspec.json.encode


class Cells:
    """Checks and converts the values of some fields, in place and fast: most pass untouched."""

    def __init__(self, fields: Sequence[models.Field[Any, Any]]) -> None:
        self._fields = fields
        self._required = [place for place, field in enumerate(fields) if not field.null]
        self._texts: list[tuple[int, int]] = []
        self._numbers: list[tuple[int, Any, Any]] = []
        self._documents: list[tuple[int, str | None]] = []
        self._others: list[tuple[int, Cell]] = []
        for place, field in enumerate(fields):
            self._sort_in(place, field)

    def adapt(self, values: list[Any]) -> None:
        """Make the values ready for the database. Raises RecordError that names the field at fault."""
        for place, empty in self._documents:
            text = json_text(values[place])
            values[place] = empty if text == "null" else text
        if None in values:
            for place in self._required:
                if values[place] is None:
                    raise self._error(place, "is missing", "missing")
        for place, longest in self._texts:
            text = values[place]
            if text is not None and len(text) > longest:
                raise self._error(place, f"is {len(text)} characters long, {longest} fit", "too_long")
        for place, low, high in self._numbers:
            number = values[place]
            if number is not None and not (number == number and low <= number <= high):
                raise self._error(place, f"is out of range: {str(number)[:40]}", "out_of_range")
        for place, convert in self._others:
            value = values[place]
            if value is not None:
                values[place] = convert(value)

    def _error(self, place: int, what: str, code: str) -> RecordError:
        name = self._fields[place].name
        return RecordError(f"{name} {what}", code=code, field=name)

    def _sort_in(self, place: int, field: models.Field[Any, Any]) -> None:
        while isinstance(field, models.ForeignKey):
            field = field.target_field
        if isinstance(field, models.IntegerField):
            low, high = BaseDatabaseOperations.integer_field_ranges[field.get_internal_type()]
            self._numbers.append((place, low, high))
        elif isinstance(field, models.DecimalField):
            limit = Decimal(10) ** (field.max_digits - field.decimal_places)
            most = limit - Decimal(5).scaleb(-field.decimal_places - 1)
            self._numbers.append((place, -most, most))
        elif isinstance(field, models.JSONField):
            empty = None if field.null else json_text(field.get_default())
            self._documents.append((place, empty))
        elif isinstance(field, models.CharField) and field.max_length is not None:
            self._texts.append((place, field.max_length))
        convert = _converter(field)
        if convert is not None:
            self._others.append((place, convert))


def json_text(value: Any) -> str:
    """The value as JSON; a slice of a reply stays as it was received."""
    return str(value if type(value) is msgspec.Raw else _encode(value), "utf-8")


def aware(value: datetime) -> datetime:
    """The time, taken for UTC when it does not say."""
    return value if value.tzinfo is not None else value.replace(tzinfo=UTC)


def _converter(field: models.Field[Any, Any]) -> Cell | None:
    """How the field's values become the database's, None when they pass as they are."""
    plain = (models.IntegerField, models.TextField, models.CharField, models.BooleanField, models.FloatField)
    if isinstance(field, (*plain, models.JSONField)):
        return None
    on_postgres = connection.vendor == "postgresql"
    if isinstance(field, models.DateTimeField):
        return _time_for_postgres if on_postgres else _time_for_sqlite
    if on_postgres and isinstance(
        field, models.DecimalField | models.DateField | models.TimeField | models.UUIDField
    ):
        return None
    if isinstance(field, models.DecimalField):
        digits, places = field.max_digits, field.decimal_places
        return lambda value: format_number(value, digits, places)
    return lambda value: field.get_db_prep_save(value, connection)


def _time_for_postgres(value: datetime) -> str:
    """ISO 8601, made far faster than by datetime itself; the connection's time zone is UTC."""
    return str(_encode(value)[1:-1], "ascii")


def _time_for_sqlite(value: datetime) -> str:
    """As Django writes it: UTC without saying so."""
    if value.tzinfo is not None:
        value = value.astimezone(UTC).replace(tzinfo=None)
    return str(_encode(value)[1:-1], "ascii").replace("T", " ")
