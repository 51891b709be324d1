"""Planners' names that WorkStudio uses: the list with one-click links, and the page that finds a user."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, reverse
from django.utils.http import urlencode
from django.utils.safestring import SafeString
from unfold.views import ChangeList

from accounts.models import User
from circuits.admin import circuit_page
from circuits.admin.filters import LinkedFilter
from circuits.admin.linking_views import (
    chosen_pairs,
    link,
    matching_users,
    may_link,
    suggested_pairs,
    unlink,
)
from circuits.admin.planner_counts import with_circuit_counts
from circuits.linking import suggested_users
from circuits.models import Circuit, UnlinkedPlanner
from synclogs.admin import html
from synclogs.admin.base import ReadOnlyAdmin, signed_in_user
from synclogs.admin.words import counted, number

SHOWN_CIRCUITS = 50


class PlannerChangeList(ChangeList):
    """Adds, once a page, the suggested user of each name."""

    def get_results(self, request: HttpRequest) -> None:
        """The rows of the page."""
        super().get_results(request)
        free = [planner for planner in self.result_list if planner.linked_to_user_id is None]
        suggestions = suggested_users(free) if free else {}
        for planner in self.result_list:
            planner.suggested_user = suggestions.get(planner.pk)


@admin.register(UnlinkedPlanner)
class UnlinkedPlannerAdmin(ReadOnlyAdmin):
    """Names without a user, those seen most often first."""

    list_display: ClassVar[Any] = (
        "ws_username",
        "seen",
        "circuits",
        "first_seen",
        "last_seen",
        "user",
        "buttons",
    )
    list_filter: ClassVar[Any] = (LinkedFilter,)
    search_fields = ("ws_username", "display_name", "linked_to_user__username", "linked_to_user__email")
    search_help_text = "Search name or linked user"
    list_select_related = ("linked_to_user",)
    ordering = ("-occurrence_count", "ws_username")
    actions = ("link_selected",)
    detail_template = "admin/circuits/planner.html"
    quick_filters = (("Not linked yet", ""), ("Linked", "linked=yes"), ("All", "linked=all"))
    empty_title = "Every planner has a user"
    empty_text = (
        "Names that WorkStudio uses and no user carries appear here after a sync. There is nothing to do."
    )

    def get_urls(self) -> list[URLPattern]:
        """Linking and unlinking, before Django's own."""
        return [
            self.post_path("<int:object_id>/link/", self.link_view, "link"),
            self.post_path("<int:object_id>/unlink/", self.unlink_view, "unlink"),
            self.post_path("link-selected/", self.link_selected_view, "link_selected"),
            *super().get_urls(),
        ]

    def get_queryset(self, request: HttpRequest) -> QuerySet[UnlinkedPlanner]:
        """With how many circuits each name has now."""
        return with_circuit_counts(super().get_queryset(request))

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[PlannerChangeList]:
        """The list that knows who is meant."""
        return PlannerChangeList

    def get_list_display(self, request: HttpRequest) -> tuple[str, ...]:
        """Without buttons for those who may only look."""
        columns = tuple(super().get_list_display(request))
        return columns if may_link(request) else columns[:-1]

    def has_link_permission(self, request: HttpRequest) -> bool:
        """Whether this user may link planners."""
        return may_link(request)

    @admin.display(description="times seen", ordering="occurrence_count")
    def seen(self, planner: UnlinkedPlanner) -> str:
        """How often syncs met the name."""
        return number(planner.occurrence_count)

    @admin.display(description="circuits now", ordering="circuit_count")
    def circuits(self, planner: Any) -> SafeString:
        """On to the circuits it has now."""
        if not planner.circuit_count:
            return html.muted("0")
        query = urlencode({"q": planner.ws_username})
        return html.link(
            f"{reverse('admin:circuits_circuit_changelist')}?{query}", number(planner.circuit_count)
        )

    @admin.display(description="first seen", ordering="first_seen_at")
    def first_seen(self, planner: UnlinkedPlanner) -> SafeString:
        """By a sync."""
        return html.when(planner.first_seen_at)

    @admin.display(description="last seen", ordering="last_seen_at")
    def last_seen(self, planner: UnlinkedPlanner) -> SafeString:
        """By a sync."""
        return html.when(planner.last_seen_at)

    @admin.display(description="linked user", ordering="linked_to_user__username")
    def user(self, planner: UnlinkedPlanner) -> SafeString:
        """Who it is."""
        if planner.linked_to_user is None:
            return html.muted("nobody yet")
        return html.joined([str(planner.linked_to_user), html.when(planner.linked_at)])

    @admin.display(description="")
    def buttons(self, planner: Any) -> SafeString:
        """Link to who is probably meant, choose somebody else, or undo."""
        if planner.linked_to_user_id is not None:
            url = reverse("admin:circuits_unlinkedplanner_unlink", args=[planner.pk])
            return html.post_button("Unlink", url, tone="quiet", icon="link_off")
        parts = [html.link(self.url_of(planner), "Choose user…")]
        if planner.suggested_user is not None:
            parts.insert(0, link_button(planner, planner.suggested_user, f"Link to {planner.suggested_user}"))
        return html.joined(parts, "op-row op-nowrap")

    @admin.action(description="Link selected to their suggested users", permissions=["link"])
    def link_selected(self, request: HttpRequest, queryset: QuerySet[UnlinkedPlanner]) -> HttpResponse:
        """Show exactly what would be linked, and ask."""
        pairs = suggested_pairs(list(queryset.select_related("linked_to_user")))
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": "Link planners to their suggested users",
            "pairs": pairs,
            "linkable": any(pair.user for pair in pairs),
        }
        return TemplateResponse(request, "admin/circuits/link_selected.html", context)

    def link_selected_view(self, request: HttpRequest) -> HttpResponse:
        """Link the pairs that were shown."""
        self._require_link(request)
        for planner, user in chosen_pairs(request.POST.getlist("pair"), self.get_queryset(request)):
            link(self, request, planner, user)
        return redirect("admin:circuits_unlinkedplanner_changelist")

    def link_view(self, request: HttpRequest, object_id: int) -> HttpResponse:
        """Link one name to the user in `user`."""
        self._require_link(request)
        planner = self.found(request, object_id)
        if planner is None:
            return self.missing(request, object_id)
        user = get_object_or_404(User, pk=_integer(request.POST.get("user", "")), is_active=True)
        if link(self, request, planner, user):
            return redirect("admin:circuits_unlinkedplanner_changelist")
        return redirect(self.url_of(planner))

    def unlink_view(self, request: HttpRequest, object_id: int) -> HttpResponse:
        """Undo a link."""
        self._require_link(request)
        planner = self.found(request, object_id)
        if planner is None:
            return self.missing(request, object_id)
        unlink(self, request, planner)
        return redirect(self.url_of(planner))

    def detail(self, request: HttpRequest, obj: Any) -> dict[str, Any]:
        """The name, its circuits, and the users it might belong to."""
        words = request.GET.get("q", "").strip()
        mine = (
            Circuit.objects.visible_to(signed_in_user(request))
            .present()
            .filter(taken_by__iexact=obj.ws_username)
        )
        return {
            "planner": obj,
            "circuit_total": counted(obj.circuit_count, "circuit"),
            "circuits": [_circuit_row(circuit) for circuit in mine.select_related("region")[:SHOWN_CIRCUITS]],
            "facts": self._facts(obj),
            "can_operate": may_link(request),
            "words": words,
            "suggested": None if obj.linked_to_user_id else suggested_users([obj]).get(obj.pk),
            "users": [] if obj.linked_to_user_id else matching_users(words),
        }

    def _facts(self, planner: UnlinkedPlanner) -> list[tuple[str, Any]]:
        return [
            ("Times seen", number(planner.occurrence_count)),
            ("First seen", html.when(planner.first_seen_at)),
            ("Last seen", html.when(planner.last_seen_at)),
            ("Linked to", self.user(planner)),
        ]

    def _require_link(self, request: HttpRequest) -> None:
        if not may_link(request):
            raise PermissionDenied


def link_button(planner: UnlinkedPlanner, user: User, text: str, *, form: str = "") -> SafeString:
    """The button that links a name to a user."""
    url = reverse("admin:circuits_unlinkedplanner_link", args=[planner.pk])
    return html.post_button(text, url, tone="primary", icon="link", form=form, name="user", value=user.pk)


def _circuit_row(circuit: Circuit) -> dict[str, Any]:
    return {
        "link": html.link(circuit_page.circuit_url(circuit), circuit.display_work_order),
        "title": circuit.title,
        "region": circuit.region or "–",
        "status": circuit_page.status(circuit),
        "progress": circuit_page.progress(circuit),
    }


def _integer(text: str) -> int:
    return int(text) if text.isdecimal() and len(text) < 19 else 0
