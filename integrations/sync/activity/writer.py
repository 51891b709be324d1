"""Writing the activity of one chunk: three look-ups, three merges, whatever the number of records."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from integrations.http.errors import RecordError
from integrations.sync.activity import tables
from integrations.sync.activity.rows import ItemRows, Row, Scope
from integrations.sync.activity.tables import ActivityTable, Stored
from integrations.sync.halving import write_by_halves
from integrations.sync.records import Refused
from synclogs.counts import Counts


@dataclass(slots=True)
class Written:
    """What became of a chunk's records; `removed` in the counts are blocks that no record names any more."""

    counts: Counts = field(default_factory=Counts)
    refused: list[Refused] = field(default_factory=list)


@dataclass(slots=True)
class _Table:
    """One table's part of a chunk: the rows to be merged, and what was stored before."""

    table: ActivityTable
    rows: dict[UUID, Row]
    stored: dict[UUID, Stored]

    @classmethod
    def of(cls, table: ActivityTable, rows: dict[UUID, Row]) -> _Table:
        """These rows, with what is stored under their ids: one query."""
        return cls(table, rows, table.stored(rows))

    def has_to_write(self, pk: UUID) -> bool:
        """Whether this row is new, or says something else than what is stored and is not older."""
        stored = self.stored.get(pk)
        row = self.rows[pk]
        return stored is None or not (stored.is_as(row) or stored.is_newer_than(row))


class _Parts(NamedTuple):
    """A chunk's rows by table."""

    objects: _Table
    events: _Table
    blocks: _Table


class ActivityWriter:
    """Writes records as events, objects and blocks. Call it inside the transaction of the chunk.

    With `authoritative_blocks` the blocks of an event that its record does not name any more are
    soft-deleted.
    """

    def __init__(self, scope: Scope, *, authoritative_blocks: bool = False) -> None:
        self._scope = scope
        self._authoritative = authoritative_blocks

    def write(self, items: Sequence[ItemRows]) -> Written:
        """Write the records and count them; one that the database refuses is left out and named.

        A record counts as created when its first event (or object, where it has no event) is new, as updated
        when anything of it changed, as skipped when it comes to nothing, was replaced by a later record of
        this chunk, or when newer is stored.
        """
        parts = self._look_up(items)
        last_of = {pk: item.index for item in items for pk in item.primary}
        written = Written()
        refused = {id(item): error for item, error in self._merge(items, parts)}
        for item in items:
            error = refused.get(id(item))
            if error is not None:
                written.refused.append(Refused(item.index, item.source_id, error))
                written.counts.failed += 1
            else:
                _count(written.counts, item, parts, last_of)
        if self._authoritative:
            taken = [item for item in items if id(item) not in refused]
            written.counts.removed = self._remove_unnamed_blocks(taken, parts)
        return written

    def _look_up(self, items: Sequence[ItemRows]) -> _Parts:
        objects: dict[UUID, Row] = {}
        events: dict[UUID, Row] = {}
        blocks: dict[UUID, Row] = {}
        for item in items:
            for pk, row in item.objects.items():
                if pk not in objects or row["received_at"] is not None:
                    objects[pk] = row
            for pk in events.keys() & item.events.keys():
                blocks = {key: row for key, row in blocks.items() if row["event_id"] != pk}
            events |= item.events
            blocks |= item.blocks
        return _Parts(
            _Table.of(tables.objects(), objects),
            _Table.of(tables.events(), events),
            _Table.of(tables.blocks(), blocks),
        )

    def _merge(self, items: Sequence[ItemRows], parts: _Parts) -> Iterable[tuple[ItemRows, RecordError]]:
        """Merge what is new or changed; yields the records that the database refuses."""
        objects, events, blocks = parts

        def write(some: Sequence[ItemRows]) -> None:
            for part, names in ((objects, "objects"), (events, "events"), (blocks, "blocks")):
                wanted = {pk for item in some for pk in getattr(item, names) if pk in part.rows}
                part.table.merge(part.rows[pk] for pk in wanted if part.has_to_write(pk))

        with transaction.atomic():
            yield from write_by_halves(items, write)

    def _remove_unnamed_blocks(self, items: Sequence[ItemRows], parts: _Parts) -> int:
        """Soft-delete the blocks that these events had before and do not name now."""
        _, events, blocks = parts
        mine = {
            pk
            for item in items
            for pk in item.events
            if pk not in events.stored or not events.stored[pk].is_newer_than(events.rows[pk])
        }
        now = timezone.now()
        return tables.remove_other_blocks(
            mine,
            blocks.rows,
            deleted_at=now,
            updated_at=now,
            received_at=self._scope.received_at,
            last_run_id=self._scope.run_id,
        )


def _count(counts: Counts, item: ItemRows, parts: _Parts, last_of: dict[UUID, int]) -> None:
    objects, events, blocks = parts
    main = events if item.events else objects
    mine = [pk for pk in item.primary if last_of[pk] == item.index]
    if not mine:
        counts.skipped += 1
    elif any(pk not in main.stored for pk in mine):
        counts.created += 1
    elif any(main.has_to_write(pk) for pk in mine) or any(
        blocks.has_to_write(pk) for pk in item.blocks if pk in blocks.rows
    ):
        counts.updated += 1
    elif all(
        main.stored[pk].is_newer_than(main.rows[pk]) and not main.stored[pk].is_as(main.rows[pk])
        for pk in mine
    ):
        counts.skipped += 1
    else:
        counts.unchanged += 1
