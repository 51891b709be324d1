"""Connections: how each is doing."""

from __future__ import annotations

from typing import Any, ClassVar

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, reverse
from django.utils.http import urlencode
from django.utils.safestring import SafeString
from unfold.contrib.filters.admin import BooleanRadioFilter, ChoicesDropdownFilter

from integrations.admin.schedules import schedules_page
from integrations.models import Integration, IntegrationStatus
from synclogs.admin import html
from synclogs.admin.base import OperatorAdmin, VisibleOnly
from synclogs.admin.filters import ValuesFilter
from synclogs.admin.words import counted, humanized

EDITABLE = ("name", "paused")


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
    list_select_related = ("account",)
    ordering = ("provider", "name")
    empty_title = "No connections yet"
    empty_text = "The first sync of a provider makes its connection."
    fieldsets = (
        (None, {"fields": ("name", "paused")}),
        (
            "Health",
            {"fields": ("health", "last_success", "last_triggered", "errors_in_a_row", "error_text", "runs")},
        ),
        (
            "Connection",
            {"fields": ("provider", "instance_type", "external_id", "account", "user", "settings_json")},
        ),
    )

    def get_urls(self) -> list[URLPattern]:
        """The page of schedules, before Django's own."""
        return [self.read_path("schedules/", self.schedules_view, "schedules"), *super().get_urls()]

    def schedules_view(self, request: HttpRequest) -> HttpResponse:
        """What starts by the clock, and when next."""
        return schedules_page(self, request)

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
        if connection.paused:
            return html.label("paused", "mute")
        if connection.status == IntegrationStatus.NEEDS_ATTENTION:
            reason = humanized(connection.status_reason)
            return html.joined([html.label("needs attention", "bad"), html.muted(reason)])
        if connection.error_count:
            return html.label(f"failing ({counted(connection.error_count, 'error')})", "warn")
        if connection.last_successful_update_at is None:
            return html.label("never synced", "mute")
        return html.label("healthy", "ok")

    @admin.display(description="provider", ordering="provider")
    def provider_name(self, connection: Integration) -> SafeString:
        """The vendor and the kind of data."""
        kind = humanized(connection.instance_type).lower()
        return html.joined([humanized(connection.provider), html.muted(kind)])

    @admin.display(description="last success", ordering="last_successful_update_at")
    def last_success(self, connection: Integration) -> SafeString:
        """When it last worked."""
        return html.when(connection.last_successful_update_at, empty="never")

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

    @admin.display(description="runs")
    def runs(self, connection: Integration) -> SafeString:
        """On to its runs."""
        query = urlencode({"integration__id__exact": connection.pk})
        return html.link(f"{reverse('admin:synclogs_synclog_changelist')}?{query}", "See its runs")

    @admin.display(description="configuration")
    def settings_json(self, connection: Integration) -> SafeString:
        """Its settings, without anything secret."""
        return html.pretty_json(connection.configuration)
