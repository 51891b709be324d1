"""CircuitAggregate: what is planned on a circuit, in numbers; single units are never stored."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Self

from django.db import models
from django.db.models import OuterRef, Subquery

from circuits.models.circuit import Circuit

if TYPE_CHECKING:
    from django.db.models.manager import Manager


class CircuitAggregateQuerySet(models.QuerySet["CircuitAggregate"]):
    """Ways to ask for aggregates."""

    def latest_of_each(self) -> Self:
        """The newest daily row of each circuit."""
        daily = CircuitAggregate.objects.filter(circuit=OuterRef("circuit"), is_rollup=False)
        newest = daily.order_by("-aggregate_date").values("aggregate_date")[:1]
        return self.filter(is_rollup=False, aggregate_date=Subquery(newest))


class CircuitAggregate(models.Model):
    """A circuit's planned units on a day. A day without a change has no row: the latest one still holds.

    `total_*` count only units of the category that is measured so; miles are copied from the circuit.
    `is_rollup` marks the copy of the latest row that closes a period.
    """

    circuit = models.ForeignKey(Circuit, on_delete=models.CASCADE, related_name="aggregates")
    aggregate_date = models.DateField()
    is_rollup = models.BooleanField(default=False)
    total_miles = models.DecimalField(max_digits=10, decimal_places=2, default=0)
    miles_planned = models.DecimalField(max_digits=10, decimal_places=2, default=0)
    miles_remaining = models.DecimalField(max_digits=10, decimal_places=2, default=0)
    total_units = models.PositiveIntegerField(default=0)
    total_linear_ft = models.DecimalField(max_digits=12, decimal_places=2, default=0)
    total_acres = models.DecimalField(max_digits=12, decimal_places=4, default=0)
    total_trees = models.PositiveIntegerField(default=0)
    units_approved = models.PositiveIntegerField(default=0)
    units_refused = models.PositiveIntegerField(default=0)
    units_pending = models.PositiveIntegerField(default=0)
    permission_counts = models.JSONField(default=dict)
    unit_counts_by_type = models.JSONField(default=dict)
    linear_ft_by_type = models.JSONField(default=dict)
    acres_by_type = models.JSONField(default=dict)
    planner_distribution = models.JSONField(default=dict)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    objects: ClassVar[Manager[CircuitAggregate]] = CircuitAggregateQuerySet.as_manager()

    class Meta:
        ordering = ("-aggregate_date",)
        constraints = (
            models.UniqueConstraint(
                fields=("circuit", "aggregate_date", "is_rollup"), name="circuit_aggregate_day_uniq"
            ),
        )

    def __str__(self) -> str:
        return f"{self.circuit} on {self.aggregate_date}"

    @property
    def approval_rate(self) -> float | None:
        """Approved units in percent of those approved, refused or pending; None when there are none."""
        asked = self.units_approved + self.units_refused + self.units_pending
        return round(100 * self.units_approved / asked, 1) if asked else None
