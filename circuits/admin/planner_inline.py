"""The planners on a circuit's page: links of syncs are shown, links by hand are added and removed."""

from __future__ import annotations

from typing import Any, ClassVar

from django import forms
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.safestring import SafeString
from unfold.admin import TabularInline
from unfold.forms import PaginationInlineFormSet
from unfold.widgets import UnfoldAdminSelect2Widget

from accounts.models import User
from circuits.models import AssignmentSource, CircuitPlanner
from synclogs.admin import html

LINK_PLANNERS = "circuits.link_planners"


class PlannerFormSet(PaginationInlineFormSet):
    """Offers to remove only links that were made by hand."""

    def add_fields(self, form: forms.ModelForm[CircuitPlanner], index: int | None) -> None:
        """No box to tick on links that a sync made: the next one would make them again."""
        super().add_fields(form, index)
        if form.instance.pk and form.instance.assignment_source != AssignmentSource.MANUAL:
            form.fields["DELETE"] = forms.BooleanField(
                required=False, disabled=True, widget=forms.HiddenInput
            )

    def get_unique_error_message(self, unique_check: object) -> str:
        """What is wrong with adding somebody twice."""
        return "This user plans the circuit already."


class PlannerInline(TabularInline):
    """Users who plan the circuit, or have planned it."""

    model = CircuitPlanner
    fk_name = "circuit"
    formset = PlannerFormSet
    fields = ("user", "source", "assigned")
    readonly_fields = ("source", "assigned")
    extra = 0
    hide_title = True
    verbose_name = "planner"
    verbose_name_plural = "planners"
    ordering: ClassVar[tuple[str, ...]] = ("-assigned_at",)

    class Media:
        js = ("circuits/planner_inline.js",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[CircuitPlanner]:
        """With the users."""
        links: QuerySet[CircuitPlanner] = super().get_queryset(request).select_related("user", "assigned_by")
        return links

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """For those who may link planners."""
        return request.user.has_perm(LINK_PLANNERS)

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """No: a link is added or removed."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """For those who may link planners; see the formset."""
        return request.user.has_perm(LINK_PLANNERS)

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """For everybody who may see the circuit."""
        return request.user.has_perm("circuits.view_circuit")

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """Active users only, with a search box."""
        if db_field.name == "user":
            kwargs["queryset"] = User.objects.filter(is_active=True).order_by("username")
            kwargs["widget"] = UnfoldAdminSelect2Widget()
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """Without the buttons that edit a user from here."""
        field = super().formfield_for_dbfield(db_field, request, **kwargs)
        if db_field.name == "user":
            for button in ("can_add_related", "can_change_related", "can_view_related"):
                setattr(field.widget, button, False)
        return field

    def source(self, link: CircuitPlanner) -> SafeString:
        """Who made the link."""
        if link.pk is None or link.assignment_source == AssignmentSource.MANUAL:
            by = f"by {link.assigned_by}" if link.assigned_by else ""
            return html.joined([html.label("by hand", "info"), html.muted(by)])
        return html.label(link.get_assignment_source_display())

    def assigned(self, link: CircuitPlanner) -> SafeString:
        """Since when."""
        return html.when(link.assigned_at)


def save_manual_links(formset: Any, user: User) -> None:
    """Save what was added and removed in the inline; what is added is marked as made by hand."""
    added = formset.save(commit=False)
    for link in formset.deleted_objects:
        link.delete()
    for link in added:
        link.assignment_source = AssignmentSource.MANUAL
        link.assigned_by, link.assigned_at = user, timezone.now()
        link.save()
