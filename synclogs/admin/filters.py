"""Filters that several lists have."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, ClassVar

from django.contrib.admin.options import ModelAdmin
from django.db.models import Field, QuerySet
from django.http import HttpRequest
from django.utils import timezone
from unfold.contrib.filters.admin import DropdownFilter, RelatedDropdownFilter

from synclogs.admin.base import signed_in_user
from synclogs.admin.words import humanized


class AgeFilter(DropdownFilter):
    """Rows whose `field` lies within the last so many days."""

    field: ClassVar[str]
    choices_in_days: ClassVar[tuple[int, ...]] = (1, 3, 7, 30)

    def lookups(self, request: HttpRequest, model_admin: ModelAdmin[Any]) -> list[tuple[str, str]]:
        """One choice for each number of days."""
        return [
            (str(days), "Last 24 hours" if days == 1 else f"Last {days} days")
            for days in self.choices_in_days
        ]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """The rows since then."""
        days = self.value()
        if not days or not days.isdecimal():
            return queryset
        since = timezone.now() - timedelta(days=min(int(days), 36_500))
        return queryset.filter(**{f"{self.field}__gte": since})


class ValuesFilter(DropdownFilter):
    """Rows with one of the values that a text column has; `parameter_name` is the column."""

    def lookups(self, request: HttpRequest, model_admin: ModelAdmin[Any]) -> list[tuple[str, str]]:
        """The values there are."""
        column = str(self.parameter_name)
        values = (
            model_admin.get_queryset(request)
            .order_by(column)
            .exclude(**{column: ""})
            .values_list(column, flat=True)
            .distinct()
        )
        return [(value, self.text(value)) for value in values]

    def text(self, value: str) -> str:
        """How a value reads."""
        return humanized(value)

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """The rows with that value."""
        return queryset.filter(**{str(self.parameter_name): self.value()}) if self.value() else queryset


class VisibleRelatedFilter(RelatedDropdownFilter):
    """Rows related to one row of an account-scoped table; offers only rows that the user may see."""

    def field_choices(
        self, field: Field[Any, Any], request: HttpRequest, model_admin: ModelAdmin[Any]
    ) -> list[tuple[Any, str]]:
        """The visible rows."""
        related: Any = field.related_model
        rows = related.objects.visible_to(signed_in_user(request))
        return [(row.pk, str(row)) for row in rows]


class TypeFilter(ValuesFilter):
    """Runs of one type."""

    title = "type"
    parameter_name = "sync_type"


class StartedFilter(AgeFilter):
    """Runs started lately."""

    title = "start"
    parameter_name = "started_within"
    field = "started_at"


class JobNameFilter(ValuesFilter):
    """Jobs of one class."""

    title = "name"
    parameter_name = "name"

    def text(self, value: str) -> str:
        """The name as it is registered."""
        return value


class CreatedFilter(AgeFilter):
    """Jobs created lately."""

    title = "creation"
    parameter_name = "created_within"
    field = "created_at"
