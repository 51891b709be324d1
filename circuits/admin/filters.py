"""Filters of the circuits' lists."""

from __future__ import annotations

from typing import Any

from django.contrib.admin.options import ModelAdmin
from django.db.models import QuerySet
from django.http import HttpRequest
from unfold.contrib.filters.admin import DropdownFilter

from circuits.admin import holders
from circuits.models import Circuit, UnlinkedPlanner
from circuits.models.circuit import MAIN_EXTENSION
from synclogs.admin.filters import AgeFilter

Lookups = list[tuple[str, str]]
Admin = ModelAdmin[Any]


class PlannerFilter(DropdownFilter):
    """By who has the circuit."""

    title = "planner"
    parameter_name = "planner"

    def lookups(self, request: HttpRequest, model_admin: Admin) -> Lookups:
        """Three kinds."""
        return [
            ("assigned", "Linked to a user"),
            ("unlinked", "Taken by a name without a user"),
            ("none", "Nobody"),
        ]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Circuit]) -> QuerySet[Circuit]:
        """The circuits of that kind."""
        narrow = {
            "assigned": holders.linked_to_user,
            "unlinked": holders.taken_by_unlinked,
            "none": holders.without_planner,
        }.get(self.value() or "")
        return narrow(queryset) if narrow else queryset


class ContractorFilter(DropdownFilter):
    """By contractor, whatever the case it is written in."""

    title = "contractor"
    parameter_name = "contractor"

    def lookups(self, request: HttpRequest, model_admin: Admin) -> Lookups:
        """Each contractor once."""
        names = Circuit.objects.present().exclude(contractor="").order_by("contractor")
        by_key: dict[str, str] = {}
        for name in names.values_list("contractor", flat=True).distinct():
            by_key.setdefault(name.casefold(), name)
        return [(key, by_key[key]) for key in sorted(by_key)]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Circuit]) -> QuerySet[Circuit]:
        """That contractor's circuits."""
        return queryset.filter(contractor__iexact=self.value()) if self.value() else queryset


class SplitFilter(DropdownFilter):
    """By whether it is a whole work order or a part of one."""

    title = "split"
    parameter_name = "split"

    def lookups(self, request: HttpRequest, model_admin: Admin) -> Lookups:
        """Whole or part."""
        return [("main", "Whole work orders"), ("part", "Parts of a split")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Circuit]) -> QuerySet[Circuit]:
        """The wholes or the parts."""
        if self.value() == "main":
            return queryset.filter(extension=MAIN_EXTENSION)
        return queryset.exclude(extension=MAIN_EXTENSION) if self.value() == "part" else queryset


class EditedFilter(AgeFilter):
    """By when WorkStudio last saw an edit."""

    title = "last edit"
    parameter_name = "edited_within"
    field = "api_modified_at"
    choices_in_days = (1, 3, 7, 30, 90)


class PresenceFilter(DropdownFilter):
    """Deleted circuits are hidden unless they are asked for."""

    title = "deleted"
    parameter_name = "deleted"
    all_option = ("", "Hidden")

    def lookups(self, request: HttpRequest, model_admin: Admin) -> Lookups:
        """Only they, or they too."""
        return [("only", "Only deleted"), ("too", "Shown as well")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Circuit]) -> QuerySet[Circuit]:
        """Present circuits, deleted ones, or both."""
        if self.value() == "only":
            return queryset.filter(deleted_at__isnull=False)
        return queryset if self.value() == "too" else queryset.filter(deleted_at__isnull=True)


class LinkedFilter(DropdownFilter):
    """Names that are linked already are hidden unless they are asked for."""

    title = "link"
    parameter_name = "linked"
    all_option = ("", "Not linked yet")

    def lookups(self, request: HttpRequest, model_admin: Admin) -> Lookups:
        """Linked ones, or all."""
        return [("yes", "Linked"), ("all", "All")]

    def queryset(
        self, request: HttpRequest, queryset: QuerySet[UnlinkedPlanner]
    ) -> QuerySet[UnlinkedPlanner]:
        """Names without a user, with one, or all."""
        if self.value() == "yes":
            return queryset.filter(linked_to_user__isnull=False)
        return queryset if self.value() == "all" else queryset.filter(linked_to_user__isnull=True)
