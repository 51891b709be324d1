"""What a circuit sync would do, gathered for people and machines."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Self

from circuits.statuses import ApiStatus
from integrations.sync.records import Plan, Record, Refused
from synclogs.counts import Counts
from synclogs.progress import Reporter

MAX_LISTED = 1000


@dataclass(slots=True)
class Preview:
    """Counts of a dry run, and up to 1,000 of the circuits that would change or be refused.

    A circuit that comes twice is counted as `skipped` the second time.
    """

    created: int = 0
    updated: int = 0
    unchanged: int = 0
    skipped: int = 0
    refused_count: int = 0
    changes: list[dict[str, Any]] = field(default_factory=list)
    refused: list[dict[str, Any]] = field(default_factory=list)
    _seen: set[str] = field(default_factory=set)

    @classmethod
    def of(cls, batches: Iterable[tuple[ApiStatus, Plan[Record], list[Refused]]], reporter: Reporter) -> Self:
        """Gather every batch of a preview."""
        preview = cls()
        for status, plan, refused in batches:
            reporter.phase(f"{status.value} (dry run)")
            preview.add(status, plan, refused)
            reporter.advance(Counts(unchanged=len(plan.taken), skipped=plan.skipped, failed=len(refused)))
        return preview

    def add(self, status: ApiStatus, plan: Plan[Record], refused: list[Refused]) -> None:
        """Count one batch and list its changes."""
        updated = self._first_seen(plan.updated)
        self.created += len(self._first_seen(plan.created))
        self.updated += len(updated)
        self.unchanged += len(self._first_seen(plan.unchanged))
        self.skipped += plan.skipped + sum(record.key in self._seen for record in plan.taken)
        self._seen.update(record.key for record in plan.taken)
        self.refused_count += len(refused)
        self.changes += [_change(status, record) for record in updated[: MAX_LISTED - len(self.changes)]]
        self.refused += [_refusal(status, bad) for bad in refused[: MAX_LISTED - len(self.refused)]]

    def _first_seen(self, records: list[Record]) -> list[Record]:
        return [record for record in records if record.key not in self._seen]

    def counters(self) -> dict[str, int]:
        """The counts under the names that the JSON output has."""
        taken = self.created + self.updated + self.unchanged
        return {
            "processed": taken + self.skipped + self.refused_count,
            "would_create": self.created,
            "would_update": self.updated,
            "unchanged": self.unchanged,
            "skipped": self.skipped,
            "refused": self.refused_count,
        }


def _change(status: ApiStatus, record: Record) -> dict[str, Any]:
    return {
        "status": status.value,
        "job_guid": record.key,
        "work_order": str(record.values.get("work_order", "")),
        "title": str(record.values.get("title", "")),
        "fields": list(record.changed),
    }


def _refusal(status: ApiStatus, bad: Refused) -> dict[str, Any]:
    return {
        "status": status.value,
        "source_id": bad.source_id,
        "index": bad.index,
        "code": bad.error.code,
        "message": str(bad.error),
    }
