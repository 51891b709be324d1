"""Writing many rows of one table by a unique key, in one merge on either database."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django.db import connection, models

Row = Mapping[str, Any]


class Merge:
    """Inserts rows into a model's table; a row whose `unique` columns exist is updated or left alone.

    All names are attribute names (`region_id`). `columns` are the ones that every row has; `update` those
    that replace what an existing row holds; `add` those that are added to it. Without either an existing row
    is left alone. All statements go through Django's own connection and transaction.
    """

    def __init__(
        self,
        model: type[models.Model],
        columns: Sequence[str],
        *,
        unique: Sequence[str],
        update: Sequence[str] = (),
        add: Sequence[str] = (),
    ) -> None:
        fields = {field.attname: field for field in model._meta.concrete_fields}
        self._fields = [fields[name] for name in columns]
        self._names = tuple(columns)
        self._table = connection.ops.quote_name(model._meta.db_table)
        self._columns = ", ".join(_quoted(field) for field in self._fields)
        changes = [f"{name} = excluded.{name}" for name in (_quoted(fields[name]) for name in update)]
        sums = [_quoted(fields[name]) for name in add]
        changes += [f"{name} = {self._table}.{name} + excluded.{name}" for name in sums]
        target = ", ".join(_quoted(fields[name]) for name in unique)
        action = f"UPDATE SET {', '.join(changes)}" if changes else "NOTHING"
        self._on_conflict = f"ON CONFLICT ({target}) DO {action}"

    def write(self, rows: Iterable[Row]) -> None:
        """Write the rows. A later row of the same key must not follow an earlier one.

        Raises django.db.DataError or IntegrityError when the database refuses one of them.
        """
        prepared = (
            tuple(
                field.get_db_prep_save(row[name], connection)
                for name, field in zip(self._names, self._fields, strict=True)
            )
            for row in rows
        )
        if connection.vendor == "postgresql":
            self._write_by_copy(prepared)
        else:
            self._write_one_by_one(prepared)

    def _write_one_by_one(self, rows: Iterable[tuple[Any, ...]]) -> None:
        places = ", ".join(["%s"] * len(self._fields))
        with connection.cursor() as cursor:
            cursor.executemany(
                f"INSERT INTO {self._table} ({self._columns}) VALUES ({places}) {self._on_conflict}",  # noqa: S608
                list(rows),
            )

    def _write_by_copy(self, rows: Iterable[tuple[Any, ...]]) -> None:
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
                f"INSERT INTO {self._table} ({self._columns}) SELECT {self._columns} FROM {stage} "  # noqa: S608
                f"{self._on_conflict}"
            )


def _quoted(field: models.Field[Any, Any]) -> str:
    return connection.ops.quote_name(field.column or "")
