"""Which circuits have their planned units fetched, by work order."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from circuits.models import ApiStatusConfig, Circuit, CircuitPlanner
from circuits.models.circuit import MAIN_EXTENSION
from circuits.statuses import ApiStatus
from integrations.sync.among import Among

DEFAULT_STATUSES = (ApiStatus.ACTIV, ApiStatus.QC, ApiStatus.REWRK)


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which circuits to take: those of `circuit_ids`, else those in `statuses`; with `force` also fresh ones.

    Deleted and excluded circuits, those whose planned units are switched off and those without a work order
    are never taken; without `force` neither are those fetched within the last twelve hours.
    """

    circuit_ids: tuple[int, ...] = ()
    statuses: tuple[ApiStatus, ...] = DEFAULT_STATUSES
    force: bool = False

    @classmethod
    def from_args(cls, args: Mapping[str, Any]) -> Wanted:
        """Read a job's arguments."""
        statuses = tuple(ApiStatus(code) for code in args.get("statuses") or DEFAULT_STATUSES)
        return cls(tuple(args.get("circuit_ids") or ()), statuses, bool(args.get("force")))

    def as_args(self) -> dict[str, Any]:
        """The arguments of a job that takes these circuits."""
        if self.circuit_ids:
            return {"circuit_ids": sorted(self.circuit_ids), "force": self.force}
        return {"statuses": [status.value for status in self.statuses], "force": self.force}


@dataclass(frozen=True, slots=True)
class Target:
    """What an aggregate needs to know of its circuit."""

    pk: int
    work_order: str
    extension: str
    total_miles: Decimal
    miles_planned: Decimal

    @property
    def is_split(self) -> bool:
        """Whether this is a part of a work order, not the whole of it."""
        return self.extension != MAIN_EXTENSION


@dataclass(frozen=True, slots=True)
class WorkOrder:
    """A work order and its circuits: the whole and its splits, as far as they are wanted."""

    number: str
    circuits: tuple[Target, ...]


def work_orders(wanted: Wanted, *, after: str = "") -> list[WorkOrder]:
    """The work orders to fetch, sorted, those after `after` only. Two queries however many circuits."""
    circuits = Circuit.objects.to_measure() if wanted.force else Circuit.objects.needs_sync()
    if wanted.circuit_ids:
        circuits = circuits.filter(Among("pk", wanted.circuit_ids))
    else:
        circuits = circuits.filter(api_status__in=_switched_on(wanted.statuses))
    columns = ("pk", "work_order", "extension", "total_miles", "miles_planned")
    by_number: dict[str, list[Target]] = {}
    for row in circuits.exclude(work_order="").order_by("pk").values_list(*columns):
        target = Target(*row)
        if target.work_order > after:
            by_number.setdefault(target.work_order, []).append(target)
    return [WorkOrder(number, tuple(by_number[number])) for number in sorted(by_number)]


def planners_of(orders: Sequence[WorkOrder]) -> dict[str, set[int]]:
    """The users who plan each of these work orders: one query however many there are."""
    number_of = {circuit.pk: order.number for order in orders for circuit in order.circuits}
    if not number_of:
        return {}
    links = CircuitPlanner.objects.filter(Among("circuit_id", list(number_of)))
    planners: dict[str, set[int]] = {}
    for circuit_id, user_id in links.values_list("circuit_id", "user_id"):
        planners.setdefault(number_of[circuit_id], set()).add(user_id)
    return planners


def _switched_on(statuses: Sequence[ApiStatus]) -> Collection[str]:
    off = ApiStatusConfig.objects.filter(api_status__in=statuses, sync_planned_units=False)
    return {status.value for status in statuses} - set(off.values_list("api_status", flat=True))
