"""Credentials: how each tenant's syncs are doing, and what an operator can do about it."""

from __future__ import annotations

import uuid
from typing import Any, ClassVar

from django import forms
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern, reverse
from django.utils.http import urlencode
from django.utils.safestring import SafeString
from unfold.contrib.filters.admin import ChoicesDropdownFilter, RelatedDropdownFilter

from accounts.models import Account
from integrations.providers.servicetitan.admin import operations
from integrations.providers.servicetitan.admin.credential_form import SECRETS, CredentialForm
from integrations.providers.servicetitan.models import CredentialState, ServiceTitanCredential
from synclogs.admin import html
from synclogs.admin.base import OperatorAdmin, VisibleOnly, signed_in_user
from synclogs.admin.operate import OPERATE, to_job
from synclogs.admin.words import counted

TONES = {
    CredentialState.ACTIVE: "ok",
    CredentialState.NEEDS_ATTENTION: "bad",
    CredentialState.DISABLED: "mute",
}
ADVICE = {
    CredentialState.ACTIVE: "It is used. There is nothing to do.",
    CredentialState.NEEDS_ATTENTION: (
        "ServiceTitan refused it, so schedules leave it out. Enter new secrets below, or press Test "
        "connection, Retry failed or Sync now when the cause is gone: a success takes it back."
    ),
    CredentialState.DISABLED: "An operator switched it off. Re-activate uses it again.",
}
OWNER = ("account", "environment")
STATE = ("state", "last_success", "last_start", "failures", "runs")


class AccountFilter(RelatedDropdownFilter):
    """Credentials of one account; offers only accounts that the user may see."""

    def field_choices(self, field: Any, request: HttpRequest, model_admin: Any) -> list[tuple[Any, str]]:
        """The visible accounts."""
        return [(account.pk, str(account)) for account in _accounts(request)]


@admin.register(ServiceTitanCredential)
class ServiceTitanCredentialAdmin(VisibleOnly, OperatorAdmin):
    """The tenants' clients. Secrets are entered here and shown nowhere."""

    form = CredentialForm
    list_display: ClassVar[Any] = (
        "company_name", "environment", "state", "last_success", "failures", "scheduled", "runs",
    )  # fmt: skip
    list_filter: ClassVar[Any] = (
        ("status", ChoicesDropdownFilter),
        ("environment", ChoicesDropdownFilter),
        ("account", AccountFilter),
    )
    search_fields = ("account__name", "client_id", "status_reason")
    search_help_text = "Search company, client ID or reason"
    list_select_related = ("account", "integration")
    ordering = ("account__name", "environment")
    actions = ("sync_selected", "retry_selected")
    change_form_outer_before_template = "admin/servicetitan/credential.html"
    empty_title = "No ServiceTitan credentials yet"
    empty_text = "Add one for each tenant and environment; the next full hour syncs it."

    def get_urls(self) -> list[URLPattern]:
        """What operators do, before Django's own."""
        return [
            *(
                self.post_path(f"<uuid:object_id>/{name}/", getattr(self, f"{name}_view"), name)
                for name in ("test", "sync", "retry", "reactivate", "disable")
            ),
            *super().get_urls(),
        ]

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Those who govern credentials."""
        return request.user.has_perm("servicetitan.add_servicetitancredential")

    def has_operate_permission(self, request: HttpRequest) -> bool:
        """Whether this user may test, sync and retry."""
        return request.user.has_perm(OPERATE) and self.has_view_permission(request)

    def get_fieldsets(self, request: HttpRequest, obj: ServiceTitanCredential | None = None) -> Any:
        """Whose it is, its secrets, when it is synced, and how it is doing."""
        parts: list[tuple[str | None, dict[str, Any]]] = [
            (None, {"fields": (*OWNER, "tenant_id", "client_id")}),
            ("Schedule", {"fields": ("scheduled_sync_enabled", "sync_interval_minutes")}),
        ]
        if obj is None or self.has_change_permission(request, obj):
            parts.insert(1, ("Secrets", {"fields": tuple(f"new_{name}" for name in SECRETS)}))
        return parts if obj is None else [*parts, ("State", {"fields": STATE})]

    def get_readonly_fields(
        self, request: HttpRequest, obj: ServiceTitanCredential | None = None
    ) -> tuple[str, ...]:
        """A credential never moves to another owner, nor to another tenant once it has brought records."""
        if obj is None:
            return STATE
        tenant = ("tenant_id",) if obj.last_successful_sync_at is not None else ()
        return (*STATE, *OWNER, *tenant)

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """Only accounts that the user may see."""
        if db_field.name == "account":
            kwargs["queryset"] = _accounts(request)
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def save_model(
        self, request: HttpRequest, obj: ServiceTitanCredential, form: forms.ModelForm[Any], change: bool
    ) -> None:
        """Store what was typed; the rest of the row stays as the engine left it."""
        if not isinstance(form, CredentialForm):
            raise PermissionDenied
        if not change:
            obj.secrets = form.all_secrets()
            obj.save()
            return
        obj.save(
            update_fields=[
                *("tenant_id", "client_id", "scheduled_sync_enabled", "sync_interval_minutes", "updated_at"),
            ]
        )
        if form.entered:
            obj.replace_secrets(form.all_secrets())
        elif "client_id" in form.changed_data:
            obj.replace_secrets()

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> Any:
        """The page, with how the credential is doing above the form."""
        credential: ServiceTitanCredential | None = context.get("original")
        if credential is not None:
            context |= {
                "credential": credential,
                "status_label": _label(credential),
                "advice": ADVICE[CredentialState(credential.status)],
                "reason": credential.status_reason,
                "can_operate": self.has_operate_permission(request),
                "can_change": self.has_change_permission(request, credential),
                "is_active": credential.status == CredentialState.ACTIVE,
                "is_disabled": credential.status == CredentialState.DISABLED,
            }
        return super().render_change_form(request, context, *args, **kwargs)

    @admin.display(description="company", ordering="account__name")
    def company_name(self, credential: ServiceTitanCredential) -> str:
        """Whose it is."""
        return credential.company

    @admin.display(description="status", ordering="status")
    def state(self, credential: ServiceTitanCredential) -> SafeString:
        """Whether it is used, and why not."""
        label = _label(credential)
        since = html.when(credential.status_changed_at) if credential.status_changed_at else html.NOTHING
        head = html.joined([label, since]) if credential.status != CredentialState.ACTIVE else label
        reason = html.clipped(credential.status_reason, tone="mute") if credential.status_reason else ""
        return html.stacked(head, reason)

    @admin.display(description="last success", ordering="last_successful_sync_at")
    def last_success(self, credential: ServiceTitanCredential) -> SafeString:
        """When a sync last ended well."""
        return html.when(credential.last_successful_sync_at, empty="never")

    @admin.display(description="last started")
    def last_start(self, credential: ServiceTitanCredential) -> SafeString:
        """When a sync last began."""
        return html.when(credential.last_sync_started_at, empty="never")

    @admin.display(description="failures in a row", ordering="consecutive_failures")
    def failures(self, credential: ServiceTitanCredential) -> SafeString:
        """How often it failed since it last worked."""
        if not credential.consecutive_failures:
            return html.muted("0")
        return html.chip(credential.consecutive_failures, "failed", "bad")

    @admin.display(description="scheduled")
    def scheduled(self, credential: ServiceTitanCredential) -> SafeString:
        """How often it is synced by itself."""
        if not credential.scheduled_sync_enabled:
            return html.muted("no")
        if credential.integration.paused:
            return html.label("paused", "warn", title="Its connection is paused: resume it there.")
        minutes = credential.sync_interval_minutes
        return html.muted(f"every {counted(minutes, 'minute')}" if minutes else "every time")

    @admin.display(description="")
    def runs(self, credential: ServiceTitanCredential) -> SafeString:
        """On to its runs."""
        query = urlencode({"integration__id__exact": credential.integration_id})
        return html.link(f"{reverse('admin:synclogs_synclog_changelist')}?{query}", "Runs")

    def test_view(self, request: HttpRequest, object_id: uuid.UUID) -> HttpResponse:
        """Try it."""
        return self._one(request, object_id, operations.test)

    def sync_view(self, request: HttpRequest, object_id: uuid.UUID) -> HttpResponse:
        """Sync it now."""
        return self._one(request, object_id, operations.sync)

    def retry_view(self, request: HttpRequest, object_id: uuid.UUID) -> HttpResponse:
        """Try its failed syncs again."""
        return self._one(request, object_id, operations.retry)

    def reactivate_view(self, request: HttpRequest, object_id: uuid.UUID) -> HttpResponse:
        """Use it again."""
        return self._one(request, object_id, operations.reactivate, may=self.has_change_permission)

    def disable_view(self, request: HttpRequest, object_id: uuid.UUID) -> HttpResponse:
        """Use it no more."""
        return self._one(request, object_id, operations.disable, may=self.has_change_permission)

    @admin.action(description="Sync selected credentials now", permissions=["operate"])
    def sync_selected(self, request: HttpRequest, queryset: QuerySet[ServiceTitanCredential]) -> None:
        """Sync the selected ones."""
        for credential in queryset.select_related("account", "integration"):
            operations.sync(self, request, credential)

    @admin.action(description="Retry failed syncs of selected credentials", permissions=["operate"])
    def retry_selected(self, request: HttpRequest, queryset: QuerySet[ServiceTitanCredential]) -> None:
        """Retry what failed of the selected ones."""
        for credential in queryset.select_related("account", "integration"):
            operations.retry(self, request, credential)

    def _one(
        self, request: HttpRequest, object_id: uuid.UUID, operation: operations.Operation, may: Any = None
    ) -> HttpResponse:
        """One operation on one row, then on to its job or back. Raises PermissionDenied."""
        if not (may or self.has_operate_permission)(request):
            raise PermissionDenied
        credential: ServiceTitanCredential | None = self.found(request, object_id)
        if credential is None:
            return self.missing(request, object_id)
        job = operation(self, request, credential)
        return to_job(job) if job is not None else redirect(self.url_of(credential))


def _label(credential: ServiceTitanCredential) -> SafeString:
    return html.label(credential.get_status_display(), TONES[CredentialState(credential.status)])


def _accounts(request: HttpRequest) -> QuerySet[Account]:
    user = signed_in_user(request)
    return Account.objects.all() if user.sees_all_accounts else Account.objects.filter(membership__user=user)
