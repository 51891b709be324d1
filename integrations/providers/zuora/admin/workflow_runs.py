"""Workflow runs: how each ended, and the page of one."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib import admin
from django.http import HttpRequest
from django.utils.safestring import SafeString
from unfold.contrib.filters.admin import BooleanRadioFilter

from integrations.providers.zuora.admin import cells
from integrations.providers.zuora.models import WorkflowRun
from synclogs.admin import html
from synclogs.admin.base import ReadOnlyAdmin, VisibleOnly, signed_in_user
from synclogs.admin.filters import AgeFilter, ValuesFilter, VisibleRelatedFilter
from synclogs.admin.run_cells import run_link
from synclogs.admin.words import absolute, duration, number


class RunStatusFilter(ValuesFilter):
    """Runs in one of Zuora's states."""

    title = "status"
    parameter_name = "status"

    def text(self, value: str) -> str:
        """Zuora's own word."""
        return value


class RunAgeFilter(AgeFilter):
    """Runs of the last days."""

    title = "started"
    parameter_name = "started_within"
    field = "source_created_at"


@admin.register(WorkflowRun)
class WorkflowRunAdmin(VisibleOnly, ReadOnlyAdmin):
    """Runs as Zuora told them last."""

    list_display: ClassVar[Any] = ("named", "of", "state", "tasks", "took", "began", "ended")
    list_display_links = ("named",)
    list_filter: ClassVar[Any] = (
        ("customer", VisibleRelatedFilter),
        RunStatusFilter,
        ("has_errors", BooleanRadioFilter),
        RunAgeFilter,
    )
    search_fields = ("name", "workflow__name", "=zuora_id", "=original_workflow_id")
    search_help_text = "Search name, workflow or Zuora ID"
    list_select_related = ("customer", "workflow")
    ordering = ("-source_created_at", "-zuora_id")
    detail_template = "zuora/run.html"
    quick_filters = (("Failed tasks", "has_errors__exact=1"), ("Last 24 hours", "started_within=1"))
    empty_title = "No workflow runs yet"
    empty_text = "Runs are found when ZUORA_SYNC_RUNS is on; those known are followed to their end."

    @admin.display(description="run", ordering="zuora_id")
    def named(self, row: WorkflowRun) -> SafeString:
        """Its name, and the workflow that it is of."""
        return html.stacked(str(row), html.muted(str(row.workflow or "")))

    @admin.display(description="customer", ordering="customer__name")
    def of(self, row: WorkflowRun) -> str:
        """Whose it is."""
        return str(row.customer)

    @admin.display(description="status", ordering="status")
    def state(self, row: WorkflowRun) -> SafeString:
        """Where it stands."""
        return cells.run_state(row)

    @admin.display(description="tasks", ordering="tasks_total")
    def tasks(self, row: WorkflowRun) -> str:
        """How many are done, of how many."""
        return f"{number(row.tasks_success)} of {number(row.tasks_total)} done"

    @admin.display(description="took", ordering="run_time_seconds")
    def took(self, row: WorkflowRun) -> SafeString | str:
        """How long it took, waiting included."""
        return duration(row.run_time_seconds) or html.EMPTY

    @admin.display(description="started", ordering="source_created_at")
    def began(self, row: WorkflowRun) -> SafeString:
        """When it began."""
        return html.when(row.source_created_at)

    @admin.display(description="finished", ordering="finished_at")
    def ended(self, row: WorkflowRun) -> SafeString:
        """When it ended."""
        return html.when(row.finished_at)

    def detail(self, request: HttpRequest, obj: WorkflowRun) -> dict[str, Any]:
        """What the page of a run shows."""
        user = signed_in_user(request)
        facts = [
            ("Customer", html.row_link(obj.customer, user)),
            ("Workflow", html.row_link(obj.workflow, user)),
            ("Zuora ID", str(obj.zuora_id)),
            ("Took", duration(obj.run_time_seconds)),
            ("Processor time", obj.cpu_time),
            ("Started", _moment(obj.source_created_at)),
            ("Updated in Zuora", _moment(obj.source_updated_at)),
            ("Finished", _moment(obj.finished_at)),
            ("Purged at Zuora", _moment(obj.purged_at)),
            ("Written by", run_link(obj.last_run) if obj.last_run else ""),
        ]
        tones = {"success": "ok", "error": "bad", "stopped": "warn", "total": "plain"}
        names = ("total", "success", "error", "processing", "queued", "pending", "stopped")
        counts = [(name, getattr(obj, f"tasks_{name}")) for name in names]
        return {
            "state": cells.run_state(obj),
            "facts": [(name, value) for name, value in facts if value],
            "figures": [
                {"name": name, "value": number(value), "tone": tones.get(name, "info") if value else "zero"}
                for name, value in counts
            ],
            "raw_json": html.pretty_json(obj.raw),
        }


def _moment(moment: Any) -> SafeString | str:
    return html.joined([html.when(moment), html.muted(absolute(moment))]) if moment else ""
