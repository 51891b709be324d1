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
    added to it. Without either an existing row is left alone. With `newer`, a column of times, a row that is
    older than the existing one leaves it alone too. All statements go through Django's own connection and
    transaction.
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
        self._on_conflict = self._conflict_clause(fields, unique, update, add, newer)

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

    def _conflict_clause(
        self,
        fields: Mapping[str, models.Field[Any, Any]],
        unique: Sequence[str],
        update: Sequence[str],
        add: Sequence[str],
        newer: str | None,
    ) -> str:
        changes = [f"{name} = excluded.{name}" for name in (_quoted(fields[name]) for name in update)]
        sums = [_quoted(fields[name]) for name in add]
        changes += [f"{name} = {self._table}.{name} + excluded.{name}" for name in sums]
        target = ", ".join(_quoted(fields[name]) for name in unique)
        action = f"UPDATE SET {', '.join(changes)}" if changes else "NOTHING"
        clause = f"ON CONFLICT ({target}) DO {action}"
        if newer and changes:
            name = _quoted(fields[newer])
            clause += (
                f" WHERE {self._table}.{name} IS NULL OR excluded.{name} IS NULL"
                f" OR excluded.{name} >= {self._table}.{name}"
            )
        return clause

    def _write_one_by_one(self, rows: Iterable[Sequence[Any]]) -> None:
        places = ", ".join(["%s"] * (len(self._fields) + len(self._constants)))
        with connection.cursor() as cursor:
            cursor.executemany(
                f"INSERT INTO {self._table} ({self._all_columns}) VALUES ({places}) {self._on_conflict}",  # noqa: S608
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
                f"INSERT INTO {self._table} ({self._all_columns}) "  # noqa: S608
                f"SELECT {self._columns}{self._types} FROM {stage} {self._on_conflict}",
                self._constants,
            )


def _quoted(field: models.Field[Any, Any]) -> str:
    return connection.ops.quote_name(field.column or "")
