"""CreateDailySnapshotsJob: every open circuit as it stands today, once a day."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import ClassVar

from circuits.filling import FillDayJob, Row
from circuits.snapshots import create
from integrations.jobs.registry import register_job


@register_job
class CreateDailySnapshotsJob(FillDayJob):
    """Takes the daily snapshots of a day that are missing."""

    name = "circuits.create_daily_snapshots"
    job_type = "snapshots"
    sync_type: ClassVar[str] = "snapshots"
    noun: ClassVar[str] = "snapshots"

    def count_all(self) -> int:
        """The circuits that are open."""
        return create.circuits_to_snap().count()

    def missing_on(self, day: date) -> list[int]:
        """Those without a daily snapshot."""
        return create.missing_on(day)

    def rows(self, circuit_ids: Sequence[int], day: date) -> list[Row]:
        """How they stand now."""
        return create.daily_rows(circuit_ids, day)

    def insert(self, rows: Sequence[Row]) -> None:
        """One merge."""
        create.insert(rows)
