"""The position of one stream, moved only in the transaction that stores what was read up to there."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from django.utils import timezone

from integrations.models import Integration, SyncCursor

OWN_NAMES = frozenset({"listing", "finished_run", "unknown_fields", "records_total"})
KEPT_NAMES = frozenset({"last_run_at", "last_full_sync_at"})
MAX_UNKNOWN = 100


class StreamCursor:
    """One row of SyncCursor, read once and written once a batch.

    Besides the stream's own names its state holds `listing` while a pull is unfinished (the run that began
    it, when, whether it wants everything, the latest time of change seen, the rows seen), `finished_run`,
    `last_run_at`, `last_full_sync_at`, `records_total` and `unknown_fields`.
    """

    def __init__(self, integration: Integration, stream: str, partition: str = "") -> None:
        self._row, _ = SyncCursor.objects.get_or_create(
            integration=integration, stream=stream, partition=partition
        )
        self._state: dict[str, Any] = dict(self._row.state)

    @property
    def listing(self) -> dict[str, Any] | None:
        """What is known of an unfinished pull; change it in place."""
        found: dict[str, Any] | None = self._state.get("listing")
        return found

    @property
    def high_water(self) -> datetime | None:
        """The latest time of change that a finished pull saw."""
        return self._row.high_water

    def is_finished_by(self, run_id: UUID) -> bool:
        """Whether this run has pulled the stream to its end already."""
        return self._state.get("finished_run") == str(run_id)

    def begin(self, run_id: UUID, *, full: bool, forget: bool) -> dict[str, Any]:
        """Begin a pull; with `forget` at the very beginning. Stored with its first batch."""
        if forget:
            names = OWN_NAMES | KEPT_NAMES
            self._state = {name: value for name, value in self._state.items() if name in names}
        listing = {"run": str(run_id), "began_at": timezone.now().isoformat(), "full": full}
        self._state["listing"] = listing
        return listing

    def own_state(self) -> dict[str, Any]:
        """What the stream's pages left."""
        return {name: value for name, value in self._state.items() if name not in OWN_NAMES}

    def move(self, state: Mapping[str, Any], records: int) -> None:
        """Take over a page's state. Written by `save`."""
        for name, value in state.items():
            if value is None:
                self._state.pop(name, None)
            else:
                self._state[name] = value
        self._state["records_total"] = self._state.get("records_total", 0) + records

    def learn(self, names: Iterable[str]) -> list[str]:
        """Remember names that the schema does not have; returns those that were not known yet."""
        known = self._state.get("unknown_fields", [])
        new = sorted(set(names).difference(known))[: MAX_UNKNOWN - len(known)]
        if new:
            self._state["unknown_fields"] = [*known, *new]
        return new

    def see(self, modified: datetime | None) -> None:
        """Note a time of change; it counts once the pull is finished."""
        listing = self.listing
        if listing is not None and modified is not None:
            seen = listing.get("high_water")
            if seen is None or datetime.fromisoformat(seen) < modified:
                listing["high_water"] = modified.isoformat()

    def finish(self, run_id: UUID) -> None:
        """The pull has reached its end. Written by `save`."""
        listing = self._state.pop("listing", None) or {}
        now = timezone.now().isoformat()
        self._state |= {"finished_run": str(run_id), "last_run_at": now}
        if listing.get("full"):
            self._state["last_full_sync_at"] = now
        if seen := listing.get("high_water"):
            reached = datetime.fromisoformat(seen)
            self._row.high_water = max(self._row.high_water or reached, reached)

    def save(self) -> None:
        """Write the row, in the caller's transaction."""
        SyncCursor.objects.filter(pk=self._row.pk).update(
            state=self._state, high_water=self._row.high_water, updated_at=timezone.now()
        )

    def delete(self) -> None:
        """Forget a backfill that is done."""
        self._row.delete()
