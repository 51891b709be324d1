"""Daily snapshots, made in bulk from circuits, their place on the board and their latest aggregates."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from django.db.models import Exists, OuterRef, QuerySet
from django.utils import timezone

from circuits.models import Circuit, CircuitAggregate, CircuitSnapshot, SnapshotType
from circuits.statuses import ApiStatus, WorkflowStage
from integrations.sync.among import Among
from integrations.sync.bulk import Merge

FROM_AGGREGATE: dict[str, Any] = {
    "total_units": 0,
    "total_trees": 0,
    "total_linear_ft": Decimal(0),
    "total_acres": Decimal(0),
    "units_approved": 0,
    "units_refused": 0,
    "units_pending": 0,
}
METRICS = ("unit_counts_by_type", "planner_distribution")

Row = dict[str, Any]


def circuits_to_snap() -> QuerySet[Circuit]:
    """The circuits that get a snapshot each day: not closed, not deleted, not left out of reports."""
    return Circuit.objects.present().filter(is_excluded=False).exclude(api_status=ApiStatus.CLOSE)


def missing_on(day: date) -> list[int]:
    """The ids of the circuits that have no daily snapshot of this day yet, sorted. One query."""
    taken = CircuitSnapshot.objects.filter(
        circuit=OuterRef("pk"), snapshot_type=SnapshotType.DAILY, snapshot_date=day
    )
    missing = circuits_to_snap().filter(~Exists(taken))
    return list(missing.order_by("pk").values_list("pk", flat=True))


def daily_rows(circuit_ids: Sequence[int], day: date) -> list[Row]:
    """The snapshots of these circuits, not written yet: two queries however many there are."""
    known = CircuitAggregate.objects.latest_of_each().filter(Among("circuit_id", circuit_ids))
    aggregates = {row["circuit_id"]: row for row in known.values("circuit_id", *FROM_AGGREGATE, *METRICS)}
    circuits = Circuit.objects.filter(Among("pk", circuit_ids)).order_by("pk")
    columns = ("pk", "miles_planned", "percent_complete", "api_status", "ui_state__workflow_stage")
    now = timezone.now()
    return [
        {
            "circuit_id": pk,
            "snapshot_type": SnapshotType.DAILY.value,
            "snapshot_date": day,
            "miles_planned": miles,
            "percent_complete": percent,
            "api_status": status,
            "workflow_stage": stage or WorkflowStage.ACTIVE.value,
            "notes": "",
            "created_at": now,
            **_measured(aggregates.get(pk)),
        }
        for pk, miles, percent, status, stage in circuits.values_list(*columns)
    ]


def insert(rows: Sequence[Row]) -> None:
    """Insert snapshots; one that exists is left alone. Raises DataError or IntegrityError when refused."""
    if rows:
        unique = ("circuit_id", "snapshot_type", "snapshot_date")
        Merge(CircuitSnapshot, tuple(rows[0]), unique=unique).write(rows)


def _measured(aggregate: Row | None) -> Row:
    if aggregate is None:
        return {**FROM_AGGREGATE, "metrics": {}}
    numbers = {name: aggregate[name] for name in FROM_AGGREGATE}
    return {**numbers, "metrics": {name: aggregate[name] for name in METRICS}}
