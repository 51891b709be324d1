"""The table of a bulk stream: look-ups of what is stored by key, and one merge a batch."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import models
from django.db.models.functions import Cast

from integrations.sync.among import Among
from integrations.sync.bulk import Merge
from integrations.sync.bulk_stream import BulkStream
from integrations.sync.cells import Cells, json_text
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
        self._lookup = [stream.key, "payload_hash", self._is_removed(), *(["pk"] if self.needs_pks else [])]

    def payloads(self, keys: Sequence[Key]) -> dict[Key, tuple[Any, ...]]:
        """Payload hash, whether it is removed, and the primary key if needed, of what is stored."""
        return {row[0]: row[1:] for row in self.rows(keys).values_list(*self._lookup)}

    def details(self, keys: Sequence[Key]) -> dict[Key, tuple[str, datetime | None]]:
        """Content hash and the vendor's time of change of what is stored."""
        if not keys:
            return {}
        if self._stream.modified is None:
            plain = self.rows(keys).values_list(self._stream.key, "content_hash")
            return {key: (content_hash, None) for key, content_hash in plain}
        names = (self._stream.key, "content_hash", self._stream.modified)
        return {row[0]: row[1:] for row in self.rows(keys).values_list(*names)}

    def raw_texts(self, keys: Sequence[Key]) -> dict[Key, str]:
        """The stored records as JSON text."""
        text = Cast("raw", models.TextField())
        return dict(self.rows(keys).values_list(self._stream.key, text))

    def pks(self, keys: Sequence[Key]) -> dict[Key, int]:
        """The primary keys of these rows: one query."""
        return dict(self.rows(keys).values_list(self._stream.key, "pk"))

    def merge(self, records: Sequence[RawRecord]) -> None:
        """Insert or update these records, in the order of their keys so that two writers cannot deadlock."""
        self._merge.write_cells(_rows(sorted(records, key=_key)))

    def rows(self, keys: Sequence[Key]) -> models.QuerySet[Any]:
        """What is stored under these keys."""
        manager = self._stream.model._base_manager
        return manager.filter(Among(self._stream.key, keys), **self._stream.scope).order_by()

    def _is_removed(self) -> Any:
        removed = self._stream.restored_by_clearing
        if removed is None:
            return models.Value(False)
        return models.ExpressionWrapper(
            models.Q(**{f"{removed}__isnull": False}), output_field=models.BooleanField()
        )


def _key(record: RawRecord) -> Any:
    return record.key


def _rows(records: Sequence[RawRecord]) -> Iterator[list[Any]]:
    for record in records:
        changed = json_text(record.changed) if record.changed else "[]"
        raw = str(record.raw, "utf-8")
        yield [record.key, *(record.cells or ()), raw, record.content_hash, record.payload_hash, changed]
