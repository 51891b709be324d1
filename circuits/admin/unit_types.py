"""Unit types: what each code of planned work is called, and how it is measured."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib import admin
from django.utils.safestring import SafeString
from unfold.contrib.filters.admin import BooleanRadioFilter, MultipleChoicesDropdownFilter

from circuits.models import Measurement, UnitType
from synclogs.admin import html
from synclogs.admin.base import OperatorAdmin
from synclogs.admin.words import number


@admin.register(UnitType)
class UnitTypeAdmin(OperatorAdmin):
    """Codes come from the installation; their names and measures are edited here."""

    list_display: ClassVar[Any] = ("code", "name", "category", "measure", "diameter", "species", "active")
    list_filter: ClassVar[Any] = (
        ("category", MultipleChoicesDropdownFilter),
        ("measurement_type", MultipleChoicesDropdownFilter),
        ("is_active", BooleanRadioFilter),
    )
    list_per_page = 100
    search_fields = ("code", "name", "species")
    ordering = ("sort_order", "code")
    readonly_fields = ("code", "diameter", "species")
    fieldsets = (
        (None, {"fields": ("code", "name", "category", "is_active")}),
        (
            "Measure",
            {
                "fields": ("measurement_type", "diameter", "species"),
                "description": "A new measure counts from the next time that planned units are fetched.",
            },
        ),
    )
    empty_title = "No unit types"
    empty_text = "Run `manage.py migrate`, which makes them."

    @admin.display(description="measured in", ordering="measurement_type")
    def measure(self, unit: UnitType) -> SafeString:
        """What is added up besides the units themselves."""
        tone = "mute" if unit.measurement_type == Measurement.NONE else "info"
        return html.label(unit.get_measurement_type_display(), tone)

    @admin.display(description="trunk, in", ordering="dbh_min")
    def diameter(self, unit: UnitType) -> SafeString | str:
        """The trunk diameters that the code is for."""
        if unit.dbh_min is None:
            return html.EMPTY
        low = number(unit.dbh_min)
        return f"{low} to {number(unit.dbh_max)}" if unit.dbh_max is not None else f"over {low}"

    @admin.display(ordering="is_active", boolean=True)
    def active(self, unit: UnitType) -> bool:
        """Whether it is in use."""
        return unit.is_active
