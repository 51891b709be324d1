"""What passes through the writer: records that can be taken, and records that were refused."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Generic, TypeVar

import msgspec

from integrations.http.errors import RecordError
from synclogs.counts import Counts

Key = str | int


@dataclass(slots=True)
class Record:
    """A validated record: its natural key and its values by attribute name of the target model.

    `index` is its position in the vendor's reply; `extra` holds what the stream needs besides the columns;
    `changed` names the fields in which a stored row differs.
    """

    key: str
    values: dict[str, Any]
    index: int
    extra: dict[str, Any] = field(default_factory=dict)
    content_hash: str = ""
    changed: tuple[str, ...] = ()


class RawRecord:
    """A record of a bulk stream: the bytes that were received, decoded only when they are new.

    `source` is the decoded Struct, `cells` are the values of the stream's columns and `text` is the record,
    all empty until then. `is_stored` says that its row was found, `is_refused` that it cannot be taken;
    `rivals` are earlier records of the key in the batch. The rest is as in Record.
    """

    __slots__ = (
        "cells",
        "changed",
        "content_hash",
        "index",
        "is_refused",
        "is_stored",
        "key",
        "modified",
        "payload_hash",
        "raw",
        "rivals",
        "source",
        "text",
    )

    def __init__(self, key: Key, raw: msgspec.Raw, index: int, payload_hash: str) -> None:
        self.key = key
        self.raw = raw
        self.index = index
        self.payload_hash = payload_hash
        self.content_hash = ""
        self.source: Any = None
        self.cells: list[Any] | None = None
        self.modified: datetime | None = None
        self.changed: tuple[str, ...] = ()
        self.is_refused = self.is_stored = False
        self.text = ""
        self.rivals: list[RawRecord] | None = None


@dataclass(slots=True)
class Refused:
    """A record that could not be taken, and why."""

    index: int
    source_id: str
    error: RecordError
    excerpt: str = ""


AnyRecord = TypeVar("AnyRecord", Record, RawRecord)


@dataclass(slots=True)
class Plan(Generic[AnyRecord]):
    """What one batch comes to: which records are new, changed or as they were, and the rows' primary keys.

    `skipped` records gave way to another one of their key, or are older than what is stored. When a part of
    a run is repeated, `written_before` need no write because the killed run made it, and the keys in
    `created_before` count as created because that run created them. `pks` is filled for streams that ask.
    `merged` is how many rows the database inserted and updated, where that is known better than here: another
    writer may have met the same keys.
    """

    created: list[AnyRecord] = field(default_factory=list)
    updated: list[AnyRecord] = field(default_factory=list)
    unchanged: list[AnyRecord] = field(default_factory=list)
    written_before: list[AnyRecord] = field(default_factory=list)
    created_before: set[Key] = field(default_factory=set)
    refused: list[Refused] = field(default_factory=list)
    skipped: int = 0
    merged: tuple[int, int] | None = None
    pks: dict[Key, int] = field(default_factory=dict)

    @property
    def to_write(self) -> list[AnyRecord]:
        """The records that the merge has to write."""
        return self.created + self.updated

    @property
    def taken(self) -> list[AnyRecord]:
        """Every record that stands in the database after the merge."""
        return self.created + self.updated + self.unchanged + self.written_before

    def counts(self) -> Counts:
        """The batch in numbers."""
        if self.merged is not None:
            inserted, updated = self.merged
            outrun = len(self.created) + len(self.updated) - inserted - updated
            return Counts(
                created=inserted,
                updated=updated,
                unchanged=len(self.unchanged),
                skipped=self.skipped + outrun,
                failed=len(self.refused),
            )
        changed = self.updated + self.written_before
        created_before = sum(record.key in self.created_before for record in changed)
        return Counts(
            created=len(self.created) + created_before,
            updated=len(changed) - created_before,
            unchanged=len(self.unchanged),
            skipped=self.skipped,
            failed=len(self.refused),
        )
