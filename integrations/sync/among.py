"""Asking for many keys at once, without a limit on how many: one parameter on either database."""

from __future__ import annotations

import json
from collections.abc import Collection
from typing import Any
from uuid import UUID

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import F
from django.db.models.lookups import Lookup
from django.db.models.sql.compiler import SQLCompiler


class Among(Lookup):
    """A condition for `filter()`: the field's value is one of `values`, which are texts or whole numbers.

    `Circuit.objects.filter(Among("pk", ids))`. Unlike `pk__in` it has one parameter however many values there
    are, so that no database's limit on parameters is met.
    """

    prepare_rhs = False

    def __init__(self, field: Any, values: Collection[str | int | UUID]) -> None:
        super().__init__(F(field) if isinstance(field, str) else field, list(values))

    def as_sql(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper) -> tuple[str, Any]:
        """`= ANY(array)` on PostgreSQL, a JSON list taken apart on SQLite."""
        left, params = self.process_lhs(compiler, connection)
        if connection.vendor == "postgresql":
            return f"{left} = ANY(%s)", [*params, self.rhs]
        among = f"{left} IN (SELECT value FROM json_each(%s))"  # noqa: S608
        return among, [*params, json.dumps(self.rhs, default=_hex)]


def _hex(value: UUID) -> str:
    """A UUID as Django stores it where the database has no such type."""
    return value.hex
