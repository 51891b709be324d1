"""Planned units in numbers: every aggregate of every circuit, and the page of one."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString
from unfold.contrib.filters.admin import DropdownFilter, MultipleChoicesDropdownFilter

from circuits.admin import circuit_page, planned_units
from circuits.admin.of_circuits import REGION, OfCircuitsAdmin, approval, circuit_link
from circuits.models import CircuitAggregate
from synclogs.admin import html
from synclogs.admin.filters import AgeFilter
from synclogs.admin.words import number


class AggregateDateFilter(AgeFilter):
    """Aggregates of the last days."""

    title = "day"
    parameter_name = "day_within"
    field = "aggregate_date"
    choices_in_days = (1, 7, 30, 90)


class LatestFilter(DropdownFilter):
    """By whether a newer one exists."""

    title = "which"
    parameter_name = "which"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """The newest of each circuit, or the ends of periods."""
        return [("latest", "The latest of each circuit"), ("rollup", "Ends of periods")]

    def queryset(
        self, request: HttpRequest, queryset: QuerySet[CircuitAggregate]
    ) -> QuerySet[CircuitAggregate]:
        """Those, or all."""
        if self.value() == "latest":
            newest = CircuitAggregate.objects.latest_of_each()
            return queryset.filter(pk__in=newest.values("pk"))
        return queryset.filter(is_rollup=True) if self.value() == "rollup" else queryset


@admin.register(CircuitAggregate)
class CircuitAggregateAdmin(OfCircuitsAdmin):
    """A row a circuit and day on which something changed, newest first."""

    list_display: ClassVar[Any] = (
        "work_order", "day", "units", "permissions", "feet", "acres", "trees", "miles",
    )  # fmt: skip
    list_filter: ClassVar[Any] = (
        LatestFilter,
        AggregateDateFilter,
        ("circuit__api_status", MultipleChoicesDropdownFilter),
        REGION,
    )
    ordering = ("-aggregate_date", "circuit__work_order", "circuit__extension")
    detail_template = "admin/circuits/aggregate.html"
    quick_filters = (("Latest of each circuit", "which=latest"), ("Last 7 days", "day_within=7"))
    empty_title = "No planned units yet"
    empty_text = "Run `manage.py sync_circuit_aggregates`, or wait for its schedule, which fetches them."

    @admin.display(description="day", ordering="aggregate_date")
    def day(self, row: CircuitAggregate) -> SafeString:
        """The day these numbers hold from."""
        shown = f"{row.aggregate_date:%b} {row.aggregate_date.day}, {row.aggregate_date:%Y}"
        return html.joined([shown, html.label("end of period") if row.is_rollup else ""])

    @admin.display(description="approved", ordering="units_approved")
    def permissions(self, row: CircuitAggregate) -> SafeString:
        """How many of those asked about."""
        return approval(row)

    @admin.display(description="linear ft", ordering="total_linear_ft")
    def feet(self, row: CircuitAggregate) -> str:
        """Of line trim."""
        return number(row.total_linear_ft)

    @admin.display(ordering="total_acres")
    def acres(self, row: CircuitAggregate) -> str:
        """Of area work."""
        return number(row.total_acres)

    @admin.display(ordering="total_trees")
    def trees(self, row: CircuitAggregate) -> str:
        """Single ones."""
        return number(row.total_trees)

    @admin.display(description="miles planned", ordering="miles_planned")
    def miles(self, row: CircuitAggregate) -> SafeString:
        """Of all miles."""
        return html.joined([number(row.miles_planned), html.muted(f"of {number(row.total_miles)}")])

    def title_of(self, obj: CircuitAggregate) -> str:
        """The circuit and the day."""
        return f"Planned units of {obj}"

    def detail(self, request: HttpRequest, obj: CircuitAggregate) -> dict[str, Any]:
        """What the page of an aggregate shows."""
        return {
            "circuit_link": circuit_link(obj.circuit),
            "status": circuit_page.status(obj.circuit),
            "planned": planned_units.numbers(obj),
        }
