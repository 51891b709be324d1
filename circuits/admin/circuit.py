"""Circuits: the list with its summary, and the page of one."""

from __future__ import annotations

from typing import Any, ClassVar

from django import forms
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import Prefetch, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern, path
from django.utils.safestring import SafeString
from unfold.contrib.filters.admin import (
    BooleanRadioFilter,
    MultipleChoicesDropdownFilter,
    MultipleRelatedDropdownFilter,
)
from unfold.views import ChangeList

from circuits.admin import board, circuit_page
from circuits.admin.exclusion import ExclusionForm, save_exclusion
from circuits.admin.filters import ContractorFilter, EditedFilter, PlannerFilter, PresenceFilter, SplitFilter
from circuits.admin.holders import attach_unlinked, holder
from circuits.admin.planner_inline import PlannerInline, save_manual_links
from circuits.admin.summary import circuit_summary
from circuits.admin.sync_now import SyncForm, sync_page
from circuits.models import Circuit, CircuitPlanner
from synclogs.admin import html
from synclogs.admin.base import OperatorAdmin, VisibleOnly, signed_in_user
from synclogs.admin.operate import OPERATE


class CircuitChangeList(ChangeList):
    """Adds, once a page, who has each circuit."""

    def get_results(self, request: HttpRequest) -> None:
        """The rows of the page."""
        super().get_results(request)
        attach_unlinked(self.result_list, signed_in_user(request))


@admin.register(Circuit)
class CircuitAdmin(VisibleOnly, OperatorAdmin):
    """What WorkStudio says of each circuit. Only planners added by hand and the exclusion are edited here."""

    list_display: ClassVar[Any] = (
        "order", "area", "status", "progress", "planner", "edited",
    )  # fmt: skip
    list_filter: ClassVar[Any] = (
        ("api_status", MultipleChoicesDropdownFilter),
        ("region", MultipleRelatedDropdownFilter),
        ("ui_state__workflow_stage", MultipleChoicesDropdownFilter),
        ContractorFilter,
        PlannerFilter,
        SplitFilter,
        EditedFilter,
        ("is_excluded", BooleanRadioFilter),
        PresenceFilter,
    )
    search_fields = ("work_order", "title", "job_guid", "taken_by")
    search_help_text = "Search work order, title, GUID or taken by"
    list_select_related = ("region",)
    ordering = ("work_order", "extension")
    list_before_template = "admin/circuits/summary.html"
    change_form_outer_before_template = "admin/circuits/circuit.html"
    form = ExclusionForm
    inlines = (PlannerInline,)
    fieldsets = (("Reports", {"fields": ("is_excluded", "exclusion_reason")}),)
    empty_title = "No circuits yet"
    empty_text = "Run `manage.py sync_circuits --status ALL`, or press Sync now."

    def get_urls(self) -> list[URLPattern]:
        """The page that starts a sync and the move on the board, before Django's own."""
        view = self.admin_site.admin_view(self.sync_view)
        return [
            path("sync/", view, name="circuits_circuit_sync"),
            self.post_path("<int:object_id>/move/", self.move_view, "move"),
            *super().get_urls(),
        ]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Circuit]:
        """What the user may see: planners their own, others all."""
        links = Prefetch("planner_links", CircuitPlanner.objects.select_related("user").order_by("pk"))
        return super().get_queryset(request).prefetch_related(links)

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[CircuitChangeList]:
        """The list that knows who has what."""
        return CircuitChangeList

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """The list under its summary."""
        extra = {
            "summary": circuit_summary(signed_in_user(request)),
            "can_sync": request.user.has_perm(OPERATE),
        }
        answer: HttpResponse = super().changelist_view(
            request, {**extra, "sync_form": SyncForm(), **(extra_context or {})}
        )
        return answer

    def sync_view(self, request: HttpRequest) -> HttpResponse:
        """Start a sync."""
        if not request.user.has_perm(OPERATE):
            raise PermissionDenied
        return sync_page(self, request)

    def move_view(self, request: HttpRequest, object_id: int) -> HttpResponse:
        """Move a circuit to the stage in `stage`."""
        if not board.may_move(request.user):
            raise PermissionDenied
        circuit = self.found(request, object_id)
        if circuit is None:
            return self.missing(request, object_id)
        board.move(self, request, circuit)
        return redirect(self.url_of(circuit))

    @admin.display(description="work order", ordering="work_order")
    def order(self, circuit: Circuit) -> SafeString:
        """The work order, which part of it this is, and the line."""
        return html.stacked(circuit_page.order(circuit), html.muted(circuit.title))

    @admin.display(description="region", ordering="region__sort_order")
    def area(self, circuit: Circuit) -> SafeString:
        """The region."""
        return html.clipped(circuit.region.name) if circuit.region else html.EMPTY

    @admin.display(ordering="api_status")
    def status(self, circuit: Circuit) -> SafeString:
        """WorkStudio's status in its color, and what is unusual about the circuit."""
        return html.stacked(circuit_page.status(circuit), circuit_page.flags(circuit))

    @admin.display(description="planned", ordering="percent_complete")
    def progress(self, circuit: Circuit) -> SafeString:
        """Percent, and miles of miles."""
        return circuit_page.progress(circuit)

    @admin.display(description="who has it", ordering="taken_by")
    def planner(self, circuit: Circuit) -> SafeString:
        """A user, a name, or nobody."""
        return holder(circuit)

    @admin.display(description="last edit / change seen", ordering="api_modified_at")
    def edited(self, circuit: Circuit) -> SafeString:
        """When somebody last edited it in WorkStudio, and when a sync last saw a change."""
        seen = html.joined([html.muted("seen"), html.when(circuit.last_synced_at)], "op-small")
        return html.stacked(html.when(circuit.api_modified_at), seen if circuit.last_synced_at else "")

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> Any:
        """The page, with what cannot be edited above the form."""
        circuit = context["original"]
        user = signed_in_user(request)
        attach_unlinked([circuit], user)
        context |= circuit_page.page(circuit, user)
        return super().render_change_form(request, context, *args, **kwargs)

    def save_model(
        self, request: HttpRequest, obj: Circuit, form: forms.ModelForm[Circuit], change: bool
    ) -> None:
        """Leave out of reports, or take back in."""
        if form.changed_data:
            save_exclusion(obj, signed_in_user(request), switched="is_excluded" in form.changed_data)

    def save_formset(
        self, request: HttpRequest, form: forms.ModelForm[Circuit], formset: Any, change: bool
    ) -> None:
        """Add and remove planners by hand."""
        save_manual_links(formset, signed_in_user(request))
