"""Asking for many rows of one scope by key, with a plan that needs no statistics."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from django.db import connection, models

from integrations.sync.records import Key


class Lookup:
    """Rows of a model by its key column, among those whose other columns have the values of `scope`."""

    def __init__(self, model: type[models.Model], key: str, scope: Mapping[str, Any]) -> None:
        quote = connection.ops.quote_name
        self._fields = {field.attname: field for field in model._meta.concrete_fields}
        self._table = quote(model._meta.db_table)
        self._key = self.column(key)
        self._key_type = self._fields[key].db_type(connection)
        self._where = "".join(f"{self.column(name)} = %s AND " for name in scope)
        self._scope = [
            self._fields[name].get_db_prep_value(value, connection) for name, value in scope.items()
        ]

    def column(self, name: str) -> str:
        """The quoted column of an attribute."""
        return connection.ops.quote_name(self._fields[name].column or "")

    def select(self, expressions: Sequence[str], keys: Sequence[Key]) -> list[tuple[Any, ...]]:
        """The key and these SQL expressions of each row that exists: one query with one list.

        On PostgreSQL each key is looked up by itself: a table that was just filled has no statistics, and for
        a list of keys the planner would then read the whole scope.
        """
        if not keys:
            return []
        chosen = ", ".join([self._key, *expressions])
        if connection.vendor == "postgresql":
            statement = (
                f"SELECT found.* FROM unnest(%s::{self._key_type}[]) AS wanted(key) "  # noqa: S608
                f"CROSS JOIN LATERAL (SELECT {chosen} FROM {self._table} "
                f"WHERE {self._where}{self._key} = wanted.key LIMIT 1) AS found"
            )
            params = [list(keys), *self._scope]
        else:
            statement = (
                f"SELECT {chosen} FROM {self._table} "  # noqa: S608
                f"WHERE {self._where}{self._key} IN (SELECT value FROM json_each(%s))"
            )
            params = [*self._scope, json.dumps(keys)]
        with connection.cursor() as cursor:
            cursor.execute(statement, params)
            return cursor.fetchall()
