"""Workflows: what starts each, which version runs, and the page of one."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString
from unfold.contrib.filters.admin import BooleanRadioFilter, DropdownFilter

from integrations.providers.zuora.admin import cells
from integrations.providers.zuora.models import Workflow
from synclogs.admin import html
from synclogs.admin.base import ReadOnlyAdmin, VisibleOnly, signed_in_user
from synclogs.admin.filters import VisibleRelatedFilter
from synclogs.admin.run_cells import run_link
from synclogs.admin.words import absolute


class PresenceFilter(DropdownFilter):
    """By whether Zuora still has it."""

    title = "at Zuora"
    parameter_name = "presence"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """There or removed."""
        return [("present", "Present"), ("removed", "Removed")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Workflow]) -> QuerySet[Workflow]:
        """The ones or the others."""
        if self.value() not in ("present", "removed"):
            return queryset
        return queryset.filter(removed_at__isnull=self.value() == "present")


@admin.register(Workflow)
class WorkflowAdmin(VisibleOnly, ReadOnlyAdmin):
    """Definitions as Zuora has them. Nobody edits them here."""

    list_display: ClassVar[Any] = (
        "named", "of", "state", "started_by", "schedule", "running_version", "changed",
    )  # fmt: skip
    list_display_links = ("named",)
    list_filter: ClassVar[Any] = (
        ("customer", VisibleRelatedFilter),
        PresenceFilter,
        ("scheduled_trigger", BooleanRadioFilter),
        ("callout_trigger", BooleanRadioFilter),
        ("ondemand_trigger", BooleanRadioFilter),
    )
    search_fields = ("name", "description", "=zuora_id")
    search_help_text = "Search name, description or Zuora ID"
    list_select_related = ("customer",)
    ordering = ("name",)
    detail_template = "zuora/workflow.html"
    quick_filters = (("Present", "presence=present"), ("Removed", "presence=removed"))
    empty_title = "No workflows yet"
    empty_text = "Add a customer and sync it."

    @admin.display(description="workflow", ordering="name")
    def named(self, row: Workflow) -> SafeString:
        """Its name and Zuora's id."""
        return html.stacked(row.name, html.muted(f"ID {row.zuora_id}"))

    @admin.display(description="customer", ordering="customer__name")
    def of(self, row: Workflow) -> str:
        """Whose it is."""
        return str(row.customer)

    @admin.display(description="status", ordering="status")
    def state(self, row: Workflow) -> SafeString:
        """Whether it is active, or removed."""
        return cells.workflow_state(row)

    @admin.display(description="started by")
    def started_by(self, row: Workflow) -> SafeString:
        """What starts it."""
        return cells.triggers(row)

    @admin.display(ordering="interval")
    def schedule(self, row: Workflow) -> SafeString:
        """When it starts by the clock."""
        return html.stacked(row.interval, html.muted(row.timezone)) if row.interval else html.EMPTY

    @admin.display(description="version", ordering="active_version")
    def running_version(self, row: Workflow) -> SafeString:
        """The version that runs."""
        return cells.version(row)

    @admin.display(description="last change seen", ordering="last_changed_at")
    def changed(self, row: Workflow) -> SafeString:
        """When a change was last seen."""
        return html.when(row.last_changed_at)

    def detail(self, request: HttpRequest, obj: Workflow) -> dict[str, Any]:
        """What the page of a workflow shows."""
        user = signed_in_user(request)
        facts = [
            ("Customer", html.row_link(obj.customer, user)),
            ("Zuora ID", str(obj.zuora_id)),
            ("Description", obj.description),
            ("Started by", cells.triggers(obj)),
            ("Schedule", html.joined([obj.interval, html.muted(obj.timezone)]) if obj.interval else ""),
            ("Priority", obj.priority),
            ("Version", cells.version(obj)),
            ("Created in Zuora", _moment(obj.source_created_at)),
            ("Updated in Zuora", _moment(obj.source_updated_at)),
            ("First seen", _moment(obj.first_seen_at)),
            ("Last change seen", _moment(obj.last_changed_at)),
            ("What changed then", ", ".join(obj.changed_fields or ())),
            ("Removed", _moment(obj.removed_at)),
            ("Written by", run_link(obj.last_run) if obj.last_run else ""),
        ]
        return {
            "state": cells.workflow_state(obj),
            "facts": [(name, value) for name, value in facts if value],
            "runs": [
                (cells.run_state(run), html.row_link(run, user), html.when(run.source_created_at))
                for run in obj.runs.order_by("-zuora_id")[:10]
            ],
            "versions_json": html.pretty_json(obj.inactive_versions),
            "raw_json": html.pretty_json(obj.raw),
        }


def _moment(moment: Any) -> SafeString | str:
    return html.joined([html.when(moment), html.muted(absolute(moment))]) if moment else ""
