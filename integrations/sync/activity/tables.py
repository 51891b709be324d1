"""The three tables of activity: what is stored under ids, and one merge each."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from django.db import connection, models
from django.db.models import Q

from integrations.models import Block, Event, EventObject
from integrations.sync.among import Among
from integrations.sync.bulk import Merge, Row

KEPT = ("id", "created_at")

CHANGED_OR_RETURNED = (
    "(stored.content_hash <> excluded.content_hash "
    "OR (stored.deleted_at IS NULL) <> (excluded.deleted_at IS NULL))"
)
NOT_OLDER = (
    "excluded.received_at IS NOT NULL "
    "AND (stored.received_at IS NULL OR stored.received_at <= excluded.received_at)"
)

# What became of an event's value stays with it: the value before the last change (and its multiplier),
# and when that was.
METADATA_ON_POSTGRESQL = """CASE
    WHEN stored.value IS DISTINCT FROM excluded.value
        OR stored.value_multiplier IS DISTINCT FROM excluded.value_multiplier
    THEN excluded.event_metadata || jsonb_build_object(
        'previous_value', stored.value, 'previous_multiplier', stored.value_multiplier,
        'value_changed_at', excluded.updated_at)
    WHEN jsonb_exists(stored.event_metadata, 'value_changed_at')
    THEN excluded.event_metadata || jsonb_build_object(
        'previous_value', stored.event_metadata -> 'previous_value',
        'previous_multiplier', stored.event_metadata -> 'previous_multiplier',
        'value_changed_at', stored.event_metadata -> 'value_changed_at')
    ELSE excluded.event_metadata END"""
METADATA_ON_SQLITE = """CASE
    WHEN stored.value IS NOT excluded.value OR stored.value_multiplier IS NOT excluded.value_multiplier
    THEN json_set(excluded.event_metadata, '$.previous_value', stored.value,
        '$.previous_multiplier', stored.value_multiplier,
        '$.value_changed_at', replace(excluded.updated_at, ' ', 'T') || '+00:00')
    WHEN json_type(stored.event_metadata, '$.value_changed_at') IS NOT NULL
    THEN json_set(excluded.event_metadata,
        '$.previous_value', json_extract(stored.event_metadata, '$.previous_value'),
        '$.previous_multiplier', json_extract(stored.event_metadata, '$.previous_multiplier'),
        '$.value_changed_at', json_extract(stored.event_metadata, '$.value_changed_at'))
    ELSE excluded.event_metadata END"""


class Stored(NamedTuple):
    """What a look-up tells of a row that exists."""

    content_hash: str
    deleted: bool
    received_at: datetime | None

    def is_as(self, row: Row) -> bool:
        """Whether the row says what is stored, and is as present as that."""
        return self.content_hash == row["content_hash"] and self.deleted == (row["deleted_at"] is not None)

    def is_newer_than(self, row: Row) -> bool:
        """Whether the row is old news, or only a name."""
        if row["received_at"] is None:
            return True
        return self.received_at is not None and self.received_at > row["received_at"]


class ActivityTable:
    """One of the tables. Rows go in in the order of their ids, so that parallel chunks never deadlock."""

    def __init__(self, model: type[models.Model], assign: dict[str, str] | None = None) -> None:
        self.model = model
        self._assign = assign or {}

    def stored(self, ids: Collection[UUID]) -> dict[UUID, Stored]:
        """What is stored under these ids: one query."""
        if not ids:
            return {}
        rows = self.model._default_manager.filter(Among("id", ids)).order_by()
        found = rows.values_list("id", "content_hash", "deleted_at", "received_at")
        return {pk: Stored(digest, gone is not None, received) for pk, digest, gone, received in found}

    def merge(self, rows: Iterable[Row]) -> None:
        """Insert these rows, or update those that exist, unless they hold the same or newer."""
        ordered = sorted(rows, key=lambda row: row["id"].int)
        if ordered:
            self._merge().write(ordered)

    def _merge(self) -> Merge:
        columns = [field.attname for field in self.model._meta.concrete_fields]
        replaced = [name for name in columns if name not in KEPT and name not in self._assign]
        return Merge(
            self.model,
            columns,
            unique=("id",),
            update=replaced,
            assign=self._assign,
            only_if=f"{CHANGED_OR_RETURNED} AND {NOT_OLDER}",
        )


def objects() -> ActivityTable:
    """The table of objects."""
    return ActivityTable(EventObject)


def events() -> ActivityTable:
    """The table of events, which remember the value before the last."""
    on_postgresql = connection.vendor == "postgresql"
    return ActivityTable(
        Event, {"event_metadata": METADATA_ON_POSTGRESQL if on_postgresql else METADATA_ON_SQLITE}
    )


def blocks() -> ActivityTable:
    """The table of blocks."""
    return ActivityTable(Block)


def remove_other_blocks(events: Collection[UUID], named: Collection[UUID], **changes: Any) -> int:
    """Soft-delete the blocks of these events that are not named: one query. Returns how many."""
    if not events:
        return 0
    others = Block.objects.filter(Among("event_id", events), ~Q(Among("id", named)), deleted_at__isnull=True)
    return others.update(**changes)
