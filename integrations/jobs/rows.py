"""One row's UPDATE, its SQL made once: ending a job is most of what a short one costs."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from django.db import connection, models


def update_row(model: type[models.Model], where: Mapping[str, Any], changes: Mapping[str, Any]) -> int:
    """`model.objects.filter(**where).update(**changes)` for plain values; returns how many rows changed.

    `where` compares fields with values that are not None.
    """
    parameters = [
        _field(model, name).get_db_prep_save(value, connection)
        for name, value in (*changes.items(), *where.items())
    ]
    with connection.cursor() as cursor:
        cursor.execute(_statement(model, tuple(changes), tuple(where), connection.vendor), parameters)
        return int(cursor.rowcount)


@lru_cache(maxsize=64)
def _statement(
    model: type[models.Model], changes: tuple[str, ...], where: tuple[str, ...], vendor: str
) -> str:
    quote = connection.ops.quote_name

    def assigned(names: tuple[str, ...]) -> list[str]:
        return [f"{quote(_field(model, name).column)} = %s" for name in names]

    table = quote(model._meta.db_table)
    return f"UPDATE {table} SET {', '.join(assigned(changes))} WHERE {' AND '.join(assigned(where))}"  # noqa: S608


@lru_cache(maxsize=64)
def _field(model: type[models.Model], name: str) -> Any:
    return model._meta.get_field(name)
