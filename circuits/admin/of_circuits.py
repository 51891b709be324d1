"""What the lists of rows that belong to a circuit share."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString
from unfold.contrib.filters.admin import MultipleRelatedDropdownFilter

from circuits.admin.circuit_page import circuit_url, order
from circuits.models import Circuit, CircuitAggregate, CircuitSnapshot
from synclogs.admin import html
from synclogs.admin.base import ReadOnlyAdmin, signed_in_user

REGION = ("circuit__region", MultipleRelatedDropdownFilter)


class OfCircuitsAdmin(ReadOnlyAdmin):
    """Rows of the circuits that a user may see: planners those of their own, others all."""

    search_fields = ("circuit__work_order", "circuit__title")
    search_help_text = "Search work order or title"
    list_select_related = ("circuit",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """The rows of visible circuits."""
        visible = Circuit.objects.visible_to(signed_in_user(request))
        rows: QuerySet[Any] = super().get_queryset(request)
        return rows.filter(circuit__in=visible.values("pk")).select_related("circuit")

    @admin.display(description="work order", ordering="circuit__work_order")
    def work_order(self, row: Any) -> SafeString:
        """The circuit, by its work order and line."""
        return html.stacked(order(row.circuit), html.muted(row.circuit.title))

    @admin.display(description="units", ordering="total_units")
    def units(self, row: Any) -> SafeString:
        """How many are planned."""
        return html.chip(row.total_units, "unit" if row.total_units == 1 else "units", "plain")


def circuit_link(circuit: Circuit) -> SafeString:
    """On to a circuit."""
    return html.link(circuit_url(circuit), circuit)


def approval(row: CircuitAggregate | CircuitSnapshot) -> SafeString:
    """Which part of the units that were asked about is approved, with the figures on hover."""
    asked = row.units_approved + row.units_refused + row.units_pending
    if not asked:
        return html.EMPTY
    percent = 100 * row.units_approved / asked
    title = f"{row.units_approved:,} approved, {row.units_refused:,} refused, {row.units_pending:,} pending"
    bar = html.bar(percent, tone="ok", title=title, text=f"{percent:.0f}%")
    refused = html.chip(row.units_refused, "refused", "bad") if row.units_refused else ""
    return html.joined([bar, refused], "op-row op-nowrap")
