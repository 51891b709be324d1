"""UPDATEs of single rows, their SQL made once: ending a job is most of what a short one costs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from django.db import connection, models


def update_row(model: type[models.Model], where: Mapping[str, Any], changes: Mapping[str, Any]) -> int:
    """`model.objects.filter(**where).update(**changes)` for plain values; returns how many rows changed.

    `where` compares fields with values that are not None.
    """
    return update_rows(model, [(where, changes)])


def update_rows(
    model: type[models.Model], updates: Sequence[tuple[Mapping[str, Any], Mapping[str, Any]]]
) -> int:
    """Several such updates, (where, changes) each, in one round trip; returns how many rows changed in all.

    All must have the names of the first.
    """
    where, changes = updates[0]
    statement = _statement(model, tuple(changes), tuple(where), connection.vendor)
    parameters = [
        [
            _field(model, name).get_db_prep_save(value, connection)
            for name, value in (*changes.items(), *where.items())
        ]
        for where, changes in updates
    ]
    with connection.cursor() as cursor:
        if len(parameters) == 1:
            cursor.execute(statement, parameters[0])
        else:
            cursor.executemany(statement, parameters)
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
