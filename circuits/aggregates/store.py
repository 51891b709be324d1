"""Comparing fresh numbers with the latest aggregate of each circuit, and writing those that differ."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

from django.utils import timezone

from circuits.aggregates.selection import Target
from circuits.models import Circuit, CircuitAggregate
from integrations.sync.among import Among
from integrations.sync.bulk import Merge

NUMBERS = (
    "total_miles",
    "miles_planned",
    "miles_remaining",
    "total_units",
    "total_linear_ft",
    "total_acres",
    "total_trees",
    "units_approved",
    "units_refused",
    "units_pending",
    "permission_counts",
    "unit_counts_by_type",
    "linear_ft_by_type",
    "acres_by_type",
    "planner_distribution",
)


@dataclass(frozen=True, slots=True)
class Fresh:
    """The numbers of one circuit as just fetched; None when a split has no units of its own."""

    circuit: Target
    numbers: dict[str, Any] | None


@dataclass(slots=True)
class Difference:
    """What storing comes to: rows for days that have none yet, rows of today that change, and the rest."""

    created: list[Fresh] = field(default_factory=list)
    updated: list[Fresh] = field(default_factory=list)
    unchanged: list[Fresh] = field(default_factory=list)
    skipped: list[Fresh] = field(default_factory=list)


def with_miles(circuit: Target, numbers: dict[str, Any]) -> dict[str, Any]:
    """The numbers together with the circuit's own miles."""
    remaining = max(Decimal(0), circuit.total_miles - circuit.miles_planned)
    return {
        "total_miles": circuit.total_miles,
        "miles_planned": circuit.miles_planned,
        "miles_remaining": remaining,
        **numbers,
    }


def compare(fresh: Sequence[Fresh], day: date) -> Difference:
    """Sort by what has to be written on `day`: one query."""
    known = CircuitAggregate.objects.latest_of_each().filter(
        Among("circuit_id", [one.circuit.pk for one in fresh])
    )
    latest = {row[0]: row[1:] for row in known.values_list("circuit_id", "aggregate_date", *NUMBERS)}
    difference = Difference()
    for one in fresh:
        if one.numbers is None:
            difference.skipped.append(one)
            continue
        before = latest.get(one.circuit.pk)
        if before is not None and before[1:] == tuple(one.numbers[name] for name in NUMBERS):
            difference.unchanged.append(one)
        elif before is not None and before[0] == day:
            difference.updated.append(one)
        else:
            difference.created.append(one)
    return difference


def write(rows: Sequence[Fresh], day: date) -> None:
    """Write the aggregates of `day`, in one merge. Raises DataError or IntegrityError when one is refused."""
    now = timezone.now()
    fixed = {"aggregate_date": day, "is_rollup": False, "created_at": now, "updated_at": now}
    merge = Merge(
        CircuitAggregate,
        ("circuit_id", *fixed, *NUMBERS),
        unique=("circuit_id", "aggregate_date", "is_rollup"),
        update=("updated_at", *NUMBERS),
    )
    merge.write({"circuit_id": one.circuit.pk, **fixed, **(one.numbers or {})} for one in rows)


def stamp(circuit_ids: Sequence[int]) -> None:
    """Note that the planned units of these circuits were fetched now: one statement."""
    Circuit.objects.filter(Among("pk", circuit_ids)).update(last_planned_units_synced_at=timezone.now())
