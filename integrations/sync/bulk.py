"""Writing many rows of one table by a unique key, in one merge on either database."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django.db import connection, models

Row = Mapping[str, Any]
_NONE: Mapping[str, Any] = {}


class Merge:
    """Inserts rows into a model's table; a row whose `unique` columns exist is updated or left alone.

    All names are attribute names (`region_id`). `columns` are the ones that every row has; `constants` have
    one value for all rows. `update` are those that replace what an existing row holds; `add` those that are
    added to it; `assign` says for further ones what they become, in SQL that calls the existing row `stored`
    and the new one `excluded`. Without any of these an existing row is left alone. With `newer`, a column of
    times, a row that is older than the existing one leaves it alone too, and so does one for which `only_if`
    (SQL as well) is false. All statements go through Django's own connection and transaction.
    """

    def __init__(
        self,
        model: type[models.Model],
        columns: Sequence[str],
        *,
        unique: Sequence[str],
        update: Sequence[str] = (),
        add: Sequence[str] = (),
        constants: Mapping[str, Any] = _NONE,
        newer: str | None = None,
        assign: Mapping[str, str] = _NONE,
        only_if: str = "",
    ) -> None:
        fields = {field.attname: field for field in model._meta.concrete_fields}
        self._fields = [fields[name] for name in columns]
        self._names = tuple(columns)
        self._table = connection.ops.quote_name(model._meta.db_table)
        self._columns = ", ".join(_quoted(field) for field in self._fields)
        fixed = [fields[name] for name in constants]
        self._constants = tuple(
            field.get_db_prep_save(constants[field.attname], connection) for field in fixed
        )
        self._all_columns = ", ".join(_quoted(field) for field in [*self._fields, *fixed])
        self._types = "".join(f", %s::{field.db_type(connection)}" for field in fixed)
        replaced = {name: f"excluded.{_quoted(fields[name])}" for name in update}
        sums = {name: f"stored.{_quoted(fields[name])} + excluded.{_quoted(fields[name])}" for name in add}
        changes = {_quoted(fields[name]): sql for name, sql in {**replaced, **sums, **assign}.items()}
        conditions = [only_if] if only_if else []
        if newer:
            name = _quoted(fields[newer])
            conditions.append(
                f"stored.{name} IS NULL OR excluded.{name} IS NULL OR excluded.{name} >= stored.{name}"
            )
        target = ", ".join(_quoted(fields[name]) for name in unique)
        self._on_conflict = f"ON CONFLICT ({target}) DO {_action(changes, conditions)}"

    def write(self, rows: Iterable[Row]) -> None:
        """Write the rows. A later row of the same key must not follow an earlier one.

        Raises django.db.DataError or IntegrityError when the database refuses one of them.
        """
        self.write_cells(
            tuple(
                field.get_db_prep_save(row[name], connection)
                for name, field in zip(self._names, self._fields, strict=True)
            )
            for row in rows
        )

    def write_cells(self, rows: Iterable[Sequence[Any]]) -> None:
        """The same with values in the order of the columns, in the database's own form."""
        if connection.vendor == "postgresql":
            self._write_by_copy(rows)
        else:
            self._write_one_by_one(rows)

    def _write_one_by_one(self, rows: Iterable[Sequence[Any]]) -> None:
        places = ", ".join(["%s"] * (len(self._fields) + len(self._constants)))
        with connection.cursor() as cursor:
            cursor.executemany(
                f"INSERT INTO {self._table} AS stored ({self._all_columns}) "  # noqa: S608
                f"VALUES ({places}) {self._on_conflict}",
                [(*row, *self._constants) for row in rows],
            )

    def _write_by_copy(self, rows: Iterable[Sequence[Any]]) -> None:
        digest = hashlib.blake2b(f"{self._table}{self._columns}".encode(), digest_size=6).hexdigest()
        stage = connection.ops.quote_name(f"stage_{digest}")
        with connection.cursor() as cursor:
            cursor.execute(
                f"CREATE TEMP TABLE IF NOT EXISTS {stage} AS "  # noqa: S608
                f"SELECT {self._columns} FROM {self._table} WITH NO DATA"
            )
            cursor.execute(f"TRUNCATE {stage}")
            with cursor.copy(f"COPY {stage} ({self._columns}) FROM STDIN") as copy:
                for row in rows:
                    copy.write_row(row)
            cursor.execute(
                f"INSERT INTO {self._table} AS stored ({self._all_columns}) "  # noqa: S608
                f"SELECT {self._columns}{self._types} FROM {stage} {self._on_conflict}",
                self._constants,
            )


def _action(changes: Mapping[str, str], conditions: Sequence[str]) -> str:
    """What is done with a row that exists."""
    if not changes:
        return "NOTHING"
    assigned = ", ".join(f"{name} = {sql}" for name, sql in changes.items())
    where = f" WHERE {' AND '.join(f'({sql})' for sql in conditions)}" if conditions else ""
    return f"UPDATE SET {assigned}{where}"


def _quoted(field: models.Field[Any, Any]) -> str:
    return connection.ops.quote_name(field.column or "")
