"""Regions, and which statuses are synced."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib import admin
from django.db.models import Count, F, Q, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.safestring import SafeString
from unfold.contrib.filters.admin import BooleanRadioFilter

from circuits.models import ApiStatusConfig, Region
from synclogs.admin import html
from synclogs.admin.base import OperatorAdmin
from synclogs.admin.words import counted, number


@admin.register(Region)
class RegionAdmin(OperatorAdmin):
    """Regions by their order; those that a sync added are flagged until somebody has looked at them."""

    list_display: ClassVar[Any] = ("name", "code", "sort_order", "active", "circuits", "origin")
    list_filter: ClassVar[Any] = (("discovered", BooleanRadioFilter), ("is_active", BooleanRadioFilter))
    search_fields = ("name", "code")
    ordering = ("sort_order", "name")
    actions = ("mark_reviewed",)
    fields = ("name", "code", "sort_order", "is_active", "discovered")
    empty_title = "No regions yet"
    empty_text = (
        "Run `manage.py migrate`, which makes the first ones; syncs add others as WorkStudio names them."
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Region]:
        """With how many circuits each has."""
        present = Count("circuits", filter=Q(circuits__deleted_at__isnull=True))
        regions: QuerySet[Region] = super().get_queryset(request).annotate(circuit_count=present)
        return regions

    @admin.display(description="active", ordering="is_active", boolean=True)
    def active(self, region: Region) -> bool:
        """Whether it is in use."""
        return region.is_active

    @admin.display(ordering="circuit_count")
    def circuits(self, region: Any) -> SafeString:
        """On to its circuits."""
        query = urlencode({"region__id__exact": region.pk})
        return html.link(
            f"{reverse('admin:circuits_circuit_changelist')}?{query}", number(region.circuit_count)
        )

    @admin.display(description="", ordering=F("discovered").desc())
    def origin(self, region: Region) -> SafeString:
        """Flagged while nobody has reviewed it."""
        if not region.discovered:
            return html.NOTHING
        return html.label(
            "found by a sync: review", "warn", title="Check its code and order, then mark it reviewed."
        )

    @admin.action(description="Mark as reviewed", permissions=["change"])
    def mark_reviewed(self, request: HttpRequest, queryset: QuerySet[Region]) -> None:
        """Take the flag off."""
        found = list(queryset.filter(discovered=True))
        Region.objects.filter(pk__in=[region.pk for region in found]).update(discovered=False)
        for region in found:
            self.log_change(request, region, "Marked as reviewed.")
        self.message_user(request, f"{counted(len(found), 'region')} marked as reviewed.")


@admin.register(ApiStatusConfig)
class ApiStatusConfigAdmin(OperatorAdmin):
    """Whether each WorkStudio status is synced."""

    list_display: ClassVar[Any] = ("display_name", "api_status", "synced", "sync_frequency", "units")
    ordering = ("sort_order",)
    fields = ("api_status", "display_name", "is_active", "sync_frequency", "sync_planned_units", "sort_order")
    readonly_fields = ("api_status",)
    empty_title = "No status settings"
    empty_text = "Run `manage.py migrate` to make them. A status without one is synced."

    @admin.display(ordering="is_active")
    def synced(self, config: ApiStatusConfig) -> SafeString:
        """Whether syncs ask for it."""
        return html.label("synced", "ok") if config.is_active else html.label("switched off", "warn")

    @admin.display(description="planned units", ordering="sync_planned_units", boolean=True)
    def units(self, config: ApiStatusConfig) -> bool:
        """Whether its planned units are fetched."""
        return config.sync_planned_units
