"""Alerts: the list with the open ones first, the page of one, and taking note of them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import Case, IntegerField, QuerySet, Value, When
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern, reverse
from django.utils import timezone
from django.utils.safestring import SafeString
from unfold.contrib.filters.admin import DropdownFilter, MultipleChoicesDropdownFilter

from accounts.models import User
from synclogs.admin import alert_cells, html
from synclogs.admin.base import ReadOnlyAdmin, signed_in_user
from synclogs.admin.filters import AgeFilter, ValuesFilter, VisibleRelatedFilter
from synclogs.admin.words import counted, humanized, number
from synclogs.models import Alert, AlertSeverity, AlertState

ACKNOWLEDGE = "synclogs.change_alert"
BADNESS = Case(
    When(severity=AlertSeverity.CRITICAL, then=Value(0)),
    When(severity=AlertSeverity.WARNING, then=Value(1)),
    default=Value(2),
    output_field=IntegerField(),
)


class RuleFilter(ValuesFilter):
    """Alerts of one rule."""

    title = "rule"
    parameter_name = "rule"


class LastSeenFilter(AgeFilter):
    """Alerts seen lately."""

    title = "last seen"
    parameter_name = "seen_within"
    field = "last_seen"


class AcknowledgedFilter(DropdownFilter):
    """By whether somebody has taken note."""

    title = "acknowledged"
    parameter_name = "acknowledged"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Yes or no."""
        return [("no", "Not yet"), ("yes", "Acknowledged")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Alert]) -> QuerySet[Alert]:
        """The ones or the others."""
        if self.value() not in ("no", "yes"):
            return queryset
        return queryset.filter(acknowledged_at__isnull=self.value() == "no")


@admin.register(Alert)
class AlertAdmin(ReadOnlyAdmin):
    """What an operator must know. Open ones come first, the newest of them on top."""

    list_display: ClassVar[Any] = (
        "how_bad", "status", "what", "about", "times", "seen", "button",
    )  # fmt: skip
    list_display_links = ("what",)
    list_filter: ClassVar[Any] = (
        ("state", MultipleChoicesDropdownFilter),
        ("severity", MultipleChoicesDropdownFilter),
        AcknowledgedFilter,
        RuleFilter,
        LastSeenFilter,
        ("integration", VisibleRelatedFilter),
    )
    search_fields = ("message", "error_code", "source", "rule")
    search_help_text = "Search message, error code, source or rule"
    list_select_related = ("integration", "acknowledged_by")
    ordering = ("state", "-last_seen")
    actions = ("acknowledge_selected",)
    detail_template = "admin/synclogs/alert/detail.html"
    quick_filters = (
        ("Open", "state__exact=open"),
        ("Not acknowledged", "state__exact=open&acknowledged=no"),
        ("Critical", "state__exact=open&severity__exact=critical"),
        ("Recovered", "state__exact=recovered"),
    )
    empty_title = "No alerts"
    empty_text = "Nothing has gone wrong that needs a person. There is nothing to do."

    def get_urls(self) -> list[URLPattern]:
        """Taking note, before Django's own."""
        return [
            self.post_path("<int:object_id>/acknowledge/", self.acknowledge_view, "acknowledge"),
            *super().get_urls(),
        ]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Alert]:
        """Visible alerts; the page of one needs the rows around it."""
        rows = alert_cells.visible_alerts(signed_in_user(request)).order_by(*self.ordering)
        match = request.resolver_match
        if match is not None and "object_id" in match.kwargs:
            rows = rows.select_related("run", "job", "integration", "account", "acknowledged_by")
        return rows

    def get_list_display(self, request: HttpRequest) -> tuple[str, ...]:
        """Without buttons for those who may only look."""
        columns = tuple(super().get_list_display(request))
        return columns if self.has_acknowledge_permission(request) else columns[:-1]

    def has_acknowledge_permission(self, request: HttpRequest) -> bool:
        """Whether this user may take note of alerts."""
        return request.user.has_perm(ACKNOWLEDGE) and self.has_view_permission(request)

    @admin.display(description="severity", ordering=BADNESS)
    def how_bad(self, alert: Alert) -> SafeString:
        """How bad it is."""
        return alert_cells.severity(alert)

    @admin.display(description="alert", ordering="rule")
    def what(self, alert: Alert) -> SafeString:
        """What went wrong, and by which rule somebody is told."""
        return html.stacked(html.clipped(alert.message), html.muted(humanized(alert.rule)))

    @admin.display(ordering="count")
    def times(self, alert: Alert) -> str:
        """How often it was seen."""
        return number(alert.count)

    @admin.display(description="last / first seen", ordering="last_seen")
    def seen(self, alert: Alert) -> SafeString:
        """When it was seen last, and when it began."""
        began = html.joined([html.muted("since"), html.when(alert.first_seen)], "op-small")
        return html.stacked(html.when(alert.last_seen), began)

    @admin.display(description="source", ordering="source")
    def about(self, alert: Alert) -> SafeString:
        """Who noticed, and the connection it is about."""
        return html.stacked(alert.source, html.muted(alert.integration.name if alert.integration else ""))

    @admin.display(description="state", ordering="state")
    def status(self, alert: Alert) -> SafeString:
        """Whether it is still so, and whether somebody knows."""
        return alert_cells.state(alert)

    @admin.display(description="")
    def button(self, alert: Alert) -> SafeString:
        """Take note of it."""
        if alert.state != AlertState.OPEN or alert.acknowledged_at is not None:
            return html.EMPTY
        url = reverse("admin:synclogs_alert_acknowledge", args=[alert.pk])
        return html.post_button("Acknowledge", url, icon="check")

    def title_of(self, obj: Alert) -> str:
        """Its rule."""
        return f"Alert: {humanized(obj.rule)}"

    def detail(self, request: HttpRequest, obj: Alert) -> dict[str, Any]:
        """What the page of an alert shows."""
        can = {"can_operate": self.has_acknowledge_permission(request)}
        return alert_cells.page(obj, signed_in_user(request)) | can

    def acknowledge_view(self, request: HttpRequest, object_id: int) -> HttpResponse:
        """Take note of one alert and show it. Raises PermissionDenied for users who may only look."""
        if not self.has_acknowledge_permission(request):
            raise PermissionDenied
        alert = self.found(request, object_id)
        if alert is None:
            return self.missing(request, object_id)
        if not self.acknowledge(request, [alert]):
            self.refused(request, "This alert is over, or acknowledged already.")
        return redirect(self.url_of(alert))

    @admin.action(description="Acknowledge selected alerts", permissions=["acknowledge"])
    def acknowledge_selected(self, request: HttpRequest, queryset: QuerySet[Alert]) -> None:
        """Take note of the selected alerts."""
        if not self.acknowledge(request, queryset):
            self.refused(request, "All of these are over, or acknowledged already.")

    def acknowledge(self, request: HttpRequest, alerts: Iterable[Alert]) -> int:
        """Stamp those that are open and free, leave a trace on each, and say how many."""
        user = signed_in_user(request)
        taken = [alert for alert in alerts if _stamp(alert, user)]
        for alert in taken:
            self.log_change(request, alert, "Acknowledged.")
        if taken:
            self.message_user(request, f"{counted(len(taken), 'alert')} acknowledged.")
        return len(taken)


def _stamp(alert: Alert, user: User) -> bool:
    """Say who took note; False when it is over or somebody else was faster."""
    free = Alert.objects.filter(pk=alert.pk, state=AlertState.OPEN, acknowledged_at__isnull=True)
    return bool(free.update(acknowledged_at=timezone.now(), acknowledged_by=user))
