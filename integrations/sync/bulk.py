"""Writing many rows of one table by a unique key, in one merge on either database."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from django.db import IntegrityError, connection, models, transaction

Row = Mapping[str, Any]
_NONE: Mapping[str, Any] = {}


class Merged(NamedTuple):
    """What a merge came to; what is neither was left alone."""

    inserted: int
    updated: int


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
        self._constant_texts = tuple(
            str(value) if isinstance(value, datetime | UUID) else value for value in self._constants
        )
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

    def write_cells(self, rows: Iterable[Sequence[Any]]) -> Merged | None:
        """The same with values in the order of the columns, in the database's own form.

        Returns what became of them where the database tells: PostgreSQL.
        """
        if connection.vendor == "postgresql":
            return self._write_by_copy(rows)
        self._write_one_by_one(rows)
        return None

    def insert_cells(self, rows: Callable[[], Iterable[Sequence[Any]]]) -> Merged | None:
        """The same for rows that nobody is known to have: straight into the table, unless somebody has.

        PostgreSQL takes rows in while later ones are still being made. `rows` may be asked for a second time.
        """
        if connection.vendor != "postgresql":
            return self.write_cells(rows())
        try:
            with transaction.atomic(), connection.cursor() as cursor:
                whole = ((*row, *self._constant_texts) for row in rows())
                return Merged(self._copy(cursor, self._table, self._all_columns, whole), 0)
        except IntegrityError:
            return self.write_cells(rows())

    def _write_one_by_one(self, rows: Iterable[Sequence[Any]]) -> None:
        places = ", ".join(["%s"] * (len(self._fields) + len(self._constants)))
        with connection.cursor() as cursor:
            cursor.executemany(
                f"INSERT INTO {self._table} AS stored ({self._all_columns}) "  # noqa: S608
                f"VALUES ({places}) {self._on_conflict}",
                [(*row, *self._constants) for row in rows],
            )

    @staticmethod
    def _copy(cursor: Any, table: str, columns: str, rows: Iterable[Sequence[Any]]) -> int:
        count = 0
        with connection.wrap_database_errors, cursor.copy(f"COPY {table} ({columns}) FROM STDIN") as copy:
            for row in rows:
                copy.write_row(row)
                count += 1
        return count

    def _write_by_copy(self, rows: Iterable[Sequence[Any]]) -> Merged:
        digest = hashlib.blake2b(f"{self._table}{self._columns}".encode(), digest_size=6).hexdigest()
        stage = connection.ops.quote_name(f"stage_{digest}")
        with connection.cursor() as cursor:
            cursor.execute(
                f"CREATE TEMP TABLE IF NOT EXISTS {stage} AS "  # noqa: S608
                f"SELECT {self._columns} FROM {self._table} WITH NO DATA"
            )
            cursor.execute(f"TRUNCATE {stage}")
            self._copy(cursor, stage, self._columns, rows)
            cursor.execute(
                f"WITH merged AS (INSERT INTO {self._table} AS stored ({self._all_columns}) "  # noqa: S608
                f"SELECT {self._columns}{self._types} FROM {stage} {self._on_conflict} "
                "RETURNING (xmax = 0) AS inserted) "
                "SELECT count(*) FILTER (WHERE inserted), count(*) FILTER (WHERE NOT inserted) FROM merged",
                self._constants,
            )
            return Merged(*cursor.fetchone())


def _action(changes: Mapping[str, str], conditions: Sequence[str]) -> str:
    """What is done with a row that exists."""
    if not changes:
        return "NOTHING"
    assigned = ", ".join(f"{name} = {sql}" for name, sql in changes.items())
    where = f" WHERE {' AND '.join(f'({sql})' for sql in conditions)}" if conditions else ""
    return f"UPDATE SET {assigned}{where}"


def _quoted(field: models.Field[Any, Any]) -> str:
    return connection.ops.quote_name(field.column or "")
