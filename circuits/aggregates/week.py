"""BuildWeeklyAggregatesJob: what is planned on each circuit at the end of a week, as a row of its own."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import ClassVar

from django.db.models import Exists, OuterRef, QuerySet
from django.utils import timezone

from circuits.aggregates.store import NUMBERS
from circuits.filling import FillDayJob, Row
from circuits.models import Circuit, CircuitAggregate
from circuits.snapshots.create import circuits_to_snap
from integrations.jobs.registry import register_job
from integrations.sync.among import Among
from integrations.sync.bulk import Merge


def measured_circuits() -> QuerySet[Circuit]:
    """The open circuits whose planned units were ever written."""
    daily = CircuitAggregate.objects.filter(circuit=OuterRef("pk"), is_rollup=False)
    return circuits_to_snap().filter(Exists(daily))


@register_job
class BuildWeeklyAggregatesJob(FillDayJob):
    """Copies the latest daily aggregate of each open circuit to the row that closes the week."""

    name = "circuits.build_weekly_aggregates"
    job_type = "weekly_aggregates"
    sync_type: ClassVar[str] = "weekly_aggregates"
    noun: ClassVar[str] = "aggregates"

    def count_all(self) -> int:
        """The circuits with planned units."""
        return measured_circuits().count()

    def missing_on(self, day: date) -> list[int]:
        """Those whose week has not been closed on this day. One query."""
        closed = CircuitAggregate.objects.filter(circuit=OuterRef("pk"), aggregate_date=day, is_rollup=True)
        missing = measured_circuits().filter(~Exists(closed))
        return list(missing.order_by("pk").values_list("pk", flat=True))

    def rows(self, circuit_ids: Sequence[int], day: date) -> list[Row]:
        """The latest numbers of each: one query."""
        now = timezone.now()
        fixed = {"aggregate_date": day, "is_rollup": True, "created_at": now, "updated_at": now}
        latest = CircuitAggregate.objects.latest_of_each().filter(Among("circuit_id", circuit_ids))
        return [{**row, **fixed} for row in latest.order_by("circuit_id").values("circuit_id", *NUMBERS)]

    def insert(self, rows: Sequence[Row]) -> None:
        """One merge."""
        if rows:
            unique = ("circuit_id", "aggregate_date", "is_rollup")
            Merge(CircuitAggregate, tuple(rows[0]), unique=unique).write(rows)
