"""Connections: how each is doing."""

from __future__ import annotations

from typing import Any, ClassVar

from django import forms
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, reverse
from django.utils.http import urlencode
from django.utils.safestring import SafeString
from unfold.contrib.filters.admin import BooleanRadioFilter, ChoicesDropdownFilter

from integrations.admin import connection_operations
from integrations.admin import connection_page as page
from integrations.admin.connection_buttons import buttons
from integrations.admin.connection_operations import Operation
from integrations.admin.schedules import schedules_page
from integrations.jobs.connection_health import frequency
from integrations.models import Integration
from integrations.polling import routing
from integrations.registry import label_of
from synclogs.admin import html
from synclogs.admin.base import OperatorAdmin, View, VisibleOnly, signed_in_user
from synclogs.admin.filters import ValuesFilter
from synclogs.admin.operate import OPERATE
from synclogs.admin.words import humanized

EDITABLE = ("name", "paused")
OPERATIONS: dict[str, Operation] = {
    "fetch": connection_operations.fetch,
    "fetch_since": connection_operations.fetch_since,
    "pause": connection_operations.pause,
    "resume": connection_operations.resume,
    "initialize": connection_operations.initialize,
    "disconnect": connection_operations.disconnect,
}


class ProviderFilter(ValuesFilter):
    """Connections to one provider."""

    title = "provider"
    parameter_name = "provider"


@admin.register(Integration)
class IntegrationAdmin(VisibleOnly, OperatorAdmin):
    """How every connection is doing. Its name and whether it is paused may be changed."""

    list_display: ClassVar[Any] = ("name", "health", "provider_name", "last_success", "last_error", "runs")
    list_filter: ClassVar[Any] = (
        ("status", ChoicesDropdownFilter),
        ("paused", BooleanRadioFilter),
        ProviderFilter,
    )
    search_fields = ("name", "provider", "external_id", "last_error_message")
    list_select_related = ("account", "credential")
    change_form_outer_before_template = "admin/integrations/connection.html"
    ordering = ("provider", "name")
    actions = ("fetch_selected", "pause_selected", "resume_selected")
    empty_title = "No connections yet"
    empty_text = "The first sync of a provider makes its connection."
    fieldsets = (
        (None, {"fields": ("name", "paused", "operations")}),
        (
            "Health",
            {
                "fields": (
                    "health",
                    "last_success",
                    "last_triggered",
                    "last_processed",
                    "next_poll",
                    "history",
                    "errors_in_a_row",
                    "error_text",
                    "breaker",
                    "links",
                )
            },
        ),
        (
            "Connection",
            {"fields": ("provider", "instance_type", "external_id", "account", "user", "settings_json")},
        ),
    )

    def get_urls(self) -> list[URLPattern]:
        """The page of schedules, connecting, and the operations, before Django's own."""
        return [
            self.read_path("schedules/", self.schedules_view, "schedules"),
            self.read_path("connect/", self.connect_view, "connect"),
            *(
                self.post_path(f"<path:object_id>/{name}/", self._view_of(operation), name)
                for name, operation in OPERATIONS.items()
            ),
            *super().get_urls(),
        ]

    def has_operate_permission(self, request: HttpRequest) -> bool:
        """Whether this user may start, pause and resume polls."""
        return request.user.has_perm(OPERATE) and self.has_change_permission(request)

    def _view_of(self, operation: Operation) -> View:
        """A view that does one thing to one connection, and goes back to its page."""

        def view(request: HttpRequest, object_id: str) -> HttpResponse:
            if not self.has_operate_permission(request):
                raise PermissionDenied
            connection = self.found(request, object_id)
            if connection is None:
                return self.missing(request, object_id)
            operation(self, request, connection)
            is_there = self.get_queryset(request).filter(pk=connection.pk).exists()
            return redirect(self.url_of(connection) if is_there else f"admin:{self.name_of('changelist')}")

        return view

    @admin.action(description="Poll selected connections now", permissions=["operate"])
    def fetch_selected(self, request: HttpRequest, queryset: QuerySet[Integration]) -> None:
        """Queue a poll of each."""
        for connection in queryset.select_related("account", "credential"):
            connection_operations.fetch(self, request, connection)

    @admin.action(description="Pause selected connections", permissions=["operate"])
    def pause_selected(self, request: HttpRequest, queryset: QuerySet[Integration]) -> None:
        """Poll them no more."""
        for connection in queryset:
            connection_operations.pause(self, request, connection)

    @admin.action(description="Resume selected connections", permissions=["operate"])
    def resume_selected(self, request: HttpRequest, queryset: QuerySet[Integration]) -> None:
        """Poll them again."""
        for connection in queryset:
            connection_operations.resume(self, request, connection)

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """The list, with a way to connect for those who may."""
        starters = [("Connect", reverse(f"admin:{self.name_of('connect')}"))] if _may_connect(request) else []
        return super().changelist_view(request, {"starters": starters, **(extra_context or {})})

    def connect_view(self, request: HttpRequest) -> HttpResponse:
        """Which vendor to connect, for which account."""
        if not _may_connect(request):
            raise PermissionDenied
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": "Connect an account",
            **page.connect_context(signed_in_user(request)),
        }
        return TemplateResponse(request, "admin/integrations/connect.html", context)

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> Any:
        """The page, with how the connection is doing above the form."""
        connection: Integration | None = context.get("original")
        if connection is not None:
            context |= page.context(request, connection)
        return super().render_change_form(request, context, *args, **kwargs)

    def schedules_view(self, request: HttpRequest) -> HttpResponse:
        """What starts by the clock, and when next."""
        return schedules_page(self, request)

    def get_fieldsets(self, request: HttpRequest, obj: Integration | None = None) -> Any:
        """Without the buttons for those who may only look."""
        if self.has_operate_permission(request):
            return self.fieldsets
        named, *others = self.fieldsets
        return ((None, {"fields": [name for name in named[1]["fields"] if name != "operations"]}), *others)

    def get_readonly_fields(self, request: HttpRequest, obj: Integration | None = None) -> list[str]:
        """Everything that a sync or a set-up owns."""
        return [name for _, part in self.fieldsets for name in part["fields"] if name not in EDITABLE]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Integration]:
        """Connections that were not removed."""
        return super().get_queryset(request).filter(deleted_at__isnull=True)

    def save_model(
        self, request: HttpRequest, obj: Integration, form: forms.ModelForm[Integration], change: bool
    ) -> None:
        """Writes what was edited and nothing else: a sync may be writing the rest."""
        obj.save(update_fields=[*EDITABLE, "updated_at"])

    @admin.display(ordering="status")
    def health(self, connection: Integration) -> SafeString:
        """One word on whether it works."""
        return page.health(connection)

    @admin.display(description="circuit breaker")
    def breaker(self, connection: Integration) -> SafeString:
        """Whether it is left alone for now."""
        return page.breaker_text(connection)

    @admin.display(description="provider", ordering="provider")
    def provider_name(self, connection: Integration) -> SafeString:
        """The vendor and the kind of data."""
        kind = humanized(connection.instance_type).lower()
        return html.joined([label_of(connection.provider), html.muted(kind)])

    @admin.display(description="last success", ordering="last_successful_update_at")
    def last_success(self, connection: Integration) -> SafeString:
        """When it last worked."""
        return html.when(page.last_success(connection), empty="never")

    @admin.display(description="last triggered")
    def last_triggered(self, connection: Integration) -> SafeString:
        """When it was last started by somebody or something."""
        return html.when(connection.last_triggered_at, empty="never")

    @admin.display(description="errors in a row")
    def errors_in_a_row(self, connection: Integration) -> str:
        """How often it failed since it last worked."""
        return f"{connection.error_count:,}"

    @admin.display(description="last error", ordering="last_error_at")
    def last_error(self, connection: Integration) -> SafeString:
        """The last error in one line; dimmed when it worked since."""
        if not connection.last_error_message:
            return html.EMPTY
        text = html.clipped(connection.last_error_message, tone="bad" if connection.error_count else "mute")
        return html.joined([html.when(connection.last_error_at), text])

    @admin.display(description="last error")
    def error_text(self, connection: Integration) -> SafeString:
        """The last error in full."""
        if not connection.last_error_message:
            return html.EMPTY
        moment = html.when(connection.last_error_at)
        text = f"{connection.last_error_code}: {connection.last_error_message}"
        return html.stacked(moment, text)

    @admin.display(description="last processed")
    def last_processed(self, connection: Integration) -> SafeString:
        """When what a poll brought was last taken in to its end."""
        return html.when(connection.last_processed_at, empty="never")

    @admin.display(description="polled")
    def next_poll(self, connection: Integration) -> SafeString | str:
        """How often it is polled, and when it rests until."""
        kind = routing.instance_type_of(connection)
        if kind is None or kind.fetch is None:
            return "by its own schedule or by webhooks"
        every = f"every {frequency(connection).total_seconds() / 60:g} min"
        if connection.next_attempt_at is None:
            return every
        return html.joined([every, html.muted("rests until"), html.when(connection.next_attempt_at)])

    @admin.display(description="history")
    def history(self, connection: Integration) -> SafeString | str:
        """How far the first reading of its history has come."""
        if not connection.init_status:
            return html.EMPTY
        state = connection.get_init_status_display()
        return html.joined([state, html.when(connection.initialized_at)])

    @admin.display(description="operate")
    def operations(self, connection: Integration) -> SafeString | str:
        """What can be done, as buttons of the form around them."""
        return buttons(connection, lambda name: reverse(f"admin:{self.name_of(name)}", args=[connection.pk]))

    @admin.display(description="more")
    def links(self, connection: Integration) -> SafeString:
        """On to its runs, jobs, payloads and events."""
        query = urlencode({"integration__id__exact": connection.pk})
        lists = (
            ("synclogs_synclog", "Runs"),
            ("synclogs_job", "Jobs"),
            ("integrations_rawpayload", "Payloads"),
            ("integrations_event", "Events"),
        )
        return html.joined(
            html.link(f"{reverse(f'admin:{name}_changelist')}?{query}", text) for name, text in lists
        )

    @admin.display(description="runs")
    def runs(self, connection: Integration) -> SafeString:
        """On to its runs."""
        query = urlencode({"integration__id__exact": connection.pk})
        return html.link(f"{reverse('admin:synclogs_synclog_changelist')}?{query}", "See its runs")

    @admin.display(description="configuration")
    def settings_json(self, connection: Integration) -> SafeString:
        """Its settings, without anything secret."""
        return html.pretty_json(connection.configuration)


def _may_connect(request: HttpRequest) -> bool:
    return request.user.has_perm("integrations.add_credential")
