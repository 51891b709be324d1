"""Snapshots: how each circuit stood on a day, and the page of one."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, ClassVar

from django.contrib import admin
from django.http import HttpRequest
from django.utils.safestring import SafeString
from unfold.contrib.filters.admin import MultipleChoicesDropdownFilter

from circuits.admin.of_circuits import REGION, OfCircuitsAdmin, approval, circuit_link
from circuits.admin.summary import STATUS_TONES
from circuits.models import CircuitSnapshot
from circuits.statuses import ApiStatus
from synclogs.admin import html
from synclogs.admin.filters import AgeFilter, ValuesFilter
from synclogs.admin.words import absolute, humanized, number


class SnapshotDateFilter(AgeFilter):
    """Snapshots of the last days."""

    title = "day"
    parameter_name = "day_within"
    field = "snapshot_date"
    choices_in_days = (1, 7, 30, 90)


class SnapshotStatusFilter(ValuesFilter):
    """By the status that a circuit had then."""

    title = "status"
    parameter_name = "api_status"

    def text(self, value: str) -> str:
        """The status in words."""
        return ApiStatus(value).label if value in ApiStatus.values else value


@admin.register(CircuitSnapshot)
class CircuitSnapshotAdmin(OfCircuitsAdmin):
    """Progress and planned units of each circuit by day, newest first. They are kept for good."""

    list_display: ClassVar[Any] = (
        "work_order", "day", "status", "stage", "progress", "units", "permissions",
    )  # fmt: skip
    list_filter: ClassVar[Any] = (
        ("snapshot_type", MultipleChoicesDropdownFilter),
        SnapshotDateFilter,
        SnapshotStatusFilter,
        REGION,
    )
    ordering = ("-snapshot_date", "circuit__work_order", "circuit__extension")
    detail_template = "admin/circuits/snapshot.html"
    quick_filters = (
        ("Last 24 hours", "day_within=1"),
        ("Status changes", "snapshot_type__exact=status_change"),
    )
    empty_title = "No snapshots yet"
    empty_text = "Run `manage.py create_daily_snapshots`, or wait for the next sync, which takes them."

    @admin.display(description="day", ordering="snapshot_date")
    def day(self, row: CircuitSnapshot) -> SafeString:
        """When, and why when it is not the daily one."""
        return html.stacked(_day(row), html.muted(row.get_snapshot_type_display()))

    @admin.display(ordering="api_status")
    def status(self, row: CircuitSnapshot) -> SafeString:
        """WorkStudio's status then."""
        return _status(row)

    @admin.display(ordering="workflow_stage")
    def stage(self, row: CircuitSnapshot) -> str:
        """Where it stood on the board."""
        return humanized(row.workflow_stage)

    @admin.display(description="planned", ordering="percent_complete")
    def progress(self, row: CircuitSnapshot) -> SafeString:
        """Percent and miles."""
        return html.stacked(_progress(row), html.muted(f"{number(row.miles_planned)} mi"))

    @admin.display(description="approved", ordering="units_approved")
    def permissions(self, row: CircuitSnapshot) -> SafeString:
        """How many of those asked about."""
        return approval(row)

    def title_of(self, obj: CircuitSnapshot) -> str:
        """The circuit and the day."""
        return f"Snapshot of {obj}"

    def detail(self, request: HttpRequest, obj: CircuitSnapshot) -> dict[str, Any]:
        """What the page of a snapshot shows."""
        facts = [
            ("Circuit", circuit_link(obj.circuit)),
            ("Taken", html.joined([html.when(obj.created_at), html.muted(absolute(obj.created_at))])),
            ("Why", obj.get_snapshot_type_display()),
            ("By", str(obj.created_by or "")),
            ("Stage", humanized(obj.workflow_stage)),
            ("Planned", _progress(obj)),
            ("Approved", approval(obj)),
            ("Notes", obj.notes),
        ]
        figures: list[tuple[str, int | Decimal]] = [
            ("Miles planned", obj.miles_planned),
            ("Units", obj.total_units),
            ("Linear feet", obj.total_linear_ft),
            ("Acres", obj.total_acres),
            ("Trees", obj.total_trees),
        ]
        return {
            "status": _status(obj),
            "day": _day(obj),
            "facts": [(name, value) for name, value in facts if value],
            "figures": [
                {"name": name, "value": number(value), "tone": "plain" if value else "zero"}
                for name, value in figures
            ],
            "metrics_json": html.pretty_json(obj.metrics),
        }


def _day(row: CircuitSnapshot) -> str:
    return f"{row.snapshot_date:%b} {row.snapshot_date.day}, {row.snapshot_date:%Y}"


def _status(row: CircuitSnapshot) -> SafeString:
    if row.api_status not in ApiStatus.values:
        return html.label(row.api_status)
    status = ApiStatus(row.api_status)
    return html.label(status.label, STATUS_TONES[status], title=status.value)


def _progress(row: CircuitSnapshot) -> SafeString:
    percent = float(row.percent_complete)
    return html.bar(percent, tone="ok" if percent >= 100 else "info", text=f"{percent:.0f}%")
