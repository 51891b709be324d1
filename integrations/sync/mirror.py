"""The table of a bulk stream: look-ups of what is stored by key, and one merge a batch."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from integrations.sync.bulk import Merge, Merged
from integrations.sync.bulk_stream import BulkStream
from integrations.sync.cells import Cells, aware, json_text
from integrations.sync.lookup import Lookup
from integrations.sync.records import Key, RawRecord

PROVENANCE = ("raw", "content_hash", "payload_hash", "changed_fields")


class Mirror:
    """Written on behalf of one run; `stamp` is the time of change of all rows written.

    `needs_pks` says whether the rows' primary keys are looked up; `cells` checks a record's values.
    """

    def __init__(self, stream: BulkStream, run_id: UUID, stamp: datetime) -> None:
        self._stream = stream
        fields = {
            field.attname: field
            for field in stream.model._meta.concrete_fields
            if not field.primary_key and not field.generated
        }
        self.cells = Cells([fields[name] for name in stream.columns])
        removed = stream.restored_by_clearing
        self.needs_pks = stream.needs_pks or removed is not None
        columns = (stream.key, *stream.columns, *PROVENANCE)
        stamps = dict.fromkeys((*stream.stamped_on_change, *stream.stamped_on_insert), stamp)
        defaults = {name: field.get_default() for name, field in fields.items() if name not in columns}
        self._merge = Merge(
            stream.model,
            columns,
            unique=(*stream.scope, stream.key),
            update=(
                *stream.columns,
                *PROVENANCE,
                *stream.stamped_on_change,
                "last_run_id",
                *([removed] if removed else []),
            ),
            constants=defaults | stamps | stream.scope | {"last_run_id": run_id},
            newer=stream.modified,
        )
        self._lookup = Lookup(stream.model, stream.key, stream.scope)
        is_removed = f"{self._lookup.column(removed)} IS NOT NULL" if removed else "FALSE"
        self._pk = self._lookup.column(stream.model._meta.pk.attname)
        self._payload = [
            self._lookup.column("payload_hash"),
            is_removed,
            *([self._pk] if self.needs_pks else []),
        ]

    def payloads(self, keys: Sequence[Key]) -> dict[Key, tuple[Any, ...]]:
        """Payload hash, whether it is removed, and the primary key if needed, of what is stored."""
        return {row[0]: row[1:] for row in self._lookup.select(self._payload, keys)}

    def details(self, keys: Sequence[Key]) -> dict[Key, tuple[str, datetime | None]]:
        """Content hash and the vendor's time of change of what is stored."""
        modified = self._stream.modified
        names = ["content_hash", *([modified] if modified else [])]
        rows = self._lookup.select([self._lookup.column(name) for name in names], keys)
        return {row[0]: (row[1], _time(row[2]) if modified else None) for row in rows}

    def raw_texts(self, keys: Sequence[Key]) -> dict[Key, str]:
        """The stored records as JSON text."""
        return dict(self._lookup.select([f"CAST({self._lookup.column('raw')} AS text)"], keys))

    def pks(self, keys: Sequence[Key]) -> dict[Key, int]:
        """The primary keys of these rows."""
        return dict(self._lookup.select([self._pk], keys))

    def merge(self, records: Sequence[RawRecord], is_ready: Callable[[RawRecord], bool]) -> Merged | None:
        """Insert or update these records, in the order of their keys so that two writers cannot deadlock.

        `is_ready` decodes a record that is not yet, and says whether it can be taken at all.
        """
        in_order = sorted(records, key=_key)
        if any(record.is_stored for record in records):
            return self._merge.write_cells(_rows(in_order))
        return self._merge.insert_cells(lambda: _rows(filter(is_ready, in_order)))


def _time(value: Any) -> datetime | None:
    """A time as the database returned it: SQLite has text."""
    if isinstance(value, str):
        value = datetime.fromisoformat(value)
    return value and aware(value)


def _key(record: RawRecord) -> Any:
    return record.key


def _rows(records: Iterable[RawRecord]) -> Iterator[tuple[Any, ...]]:
    for record in records:
        changed = json_text(record.changed) if record.changed else "[]"
        yield (
            record.key,
            *(record.cells or ()),
            record.text,
            record.content_hash,
            record.payload_hash,
            changed,
        )
