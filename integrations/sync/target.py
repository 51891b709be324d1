"""The table that a stream writes to: look-ups by key, and one merge a batch."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from django.db import models

from integrations.sync.among import Among
from integrations.sync.bulk import Merge
from integrations.sync.records import Key, Record
from integrations.sync.stream import Stream


class Stored(NamedTuple):
    """What a look-up tells of a row that exists."""

    pk: int
    content_hash: str
    last_run_id: UUID | None
    created_at: datetime
    changed_at: datetime | None
    deleted: bool


class Target:
    """One stream's table, written on behalf of one run; `stamp` is the time of change of all rows written."""

    def __init__(self, stream: Stream, run_id: UUID, stamp: datetime) -> None:
        self._stream = stream
        self._fields = {
            field.attname: field
            for field in stream.model._meta.concrete_fields
            if not field.primary_key and not field.generated
        }
        stamps = dict.fromkeys((*stream.stamped_on_change, *stream.stamped_on_insert), stamp)
        defaults = {name: field.get_default() for name, field in self._fields.items()}
        self._constants: dict[str, Any] = defaults | stamps | {"last_run_id": run_id}
        self._merge = Merge(
            stream.model, tuple(self._fields), unique=(stream.key,), update=self._updated_columns()
        )

    def lookup(self, keys: Sequence[Key]) -> dict[Key, Stored]:
        """What is stored under these keys: one query."""
        stream = self._stream
        names = [stream.key, "pk", "content_hash", "last_run_id", "created_at", stream.stamped_on_change[0]]
        cleared = stream.restored_by_clearing
        rows = self._rows(keys).values_list(*names, *([cleared] if cleared else []))
        return {
            row[0]: Stored(row[1], row[2], row[3], row[4], row[5], bool(cleared) and row[6] is not None)
            for row in rows
        }

    def stored_values(self, keys: Sequence[Key], columns: Sequence[str]) -> dict[Key, tuple[Any, ...]]:
        """The values of these columns under these keys: one query."""
        rows = self._rows(keys).values_list(self._stream.key, *columns)
        return {row[0]: row[1:] for row in rows}

    def pks(self, keys: Sequence[Key]) -> dict[Key, int]:
        """The primary keys of these rows: one query."""
        return dict(self._rows(keys).values_list(self._stream.key, "pk"))

    def field_name(self, column: str) -> str:
        """What people call a column: `region`, not `region_id`."""
        return self._fields[column].name

    def merge(self, records: Sequence[Record]) -> None:
        """Insert or update these records by key.

        Raises django.db.DataError or IntegrityError when the database refuses one of them.
        """
        self._merge.write(self._table_rows(records))

    def _rows(self, keys: Sequence[Key]) -> models.QuerySet[Any]:
        return self._stream.model._default_manager.filter(Among(self._stream.key, keys))

    def _updated_columns(self) -> tuple[str, ...]:
        stream = self._stream
        set_by_reply = [name for name in stream.columns() if name != stream.key]
        updates = [*set_by_reply, "content_hash", "last_run_id", *stream.stamped_on_change]
        if stream.restored_by_clearing:
            updates.append(stream.restored_by_clearing)
        return tuple(dict.fromkeys(updates))

    def _table_rows(self, records: Sequence[Record]) -> Iterator[dict[str, Any]]:
        for record in records:
            own = {self._stream.key: record.key, "content_hash": record.content_hash}
            yield self._constants | record.values | own
