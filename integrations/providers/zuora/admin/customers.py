"""Customers: whether each is synced, its client, trying it, and syncing it now."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import ImproperlyConfigured, PermissionDenied
from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern, reverse
from django.utils import timezone
from django.utils.safestring import SafeString
from unfold.contrib.filters.admin import MultipleChoicesDropdownFilter

from accounts.models import Account, User
from integrations.credentials.encryption import SecretUnreadable
from integrations.http.errors import IntegrationError
from integrations.providers.zuora import services
from integrations.providers.zuora.admin import cells
from integrations.providers.zuora.admin.forms import ZuoraCustomerForm
from integrations.providers.zuora.models import CustomerStatus, ZuoraCustomer
from synclogs.admin import html
from synclogs.admin.base import OperatorAdmin, VisibleOnly, signed_in_user
from synclogs.admin.operate import OPERATE, to_job
from synclogs.admin.words import counted, number

CLIENT = ("account", "name", "base_url", "client_id", "new_secret", "entity_id", "org_ids")
STATE = ("synced", "started", "error_text", "calls", "workflows", "runs", "connection")


@admin.register(ZuoraCustomer)
class ZuoraCustomerAdmin(VisibleOnly, OperatorAdmin):
    """Tenants of Zuora. Secrets are entered here and shown nowhere."""

    form = ZuoraCustomerForm
    list_display: ClassVar[Any] = (
        "named", "state", "synced", "workflows", "error_line", "buttons",
    )  # fmt: skip
    list_display_links = ("named",)
    list_filter: ClassVar[Any] = (
        ("sync_status", MultipleChoicesDropdownFilter),
        ("base_url", MultipleChoicesDropdownFilter),
    )
    search_fields = ("name", "client_id", "account__name", "last_error")
    search_help_text = "Search name, client ID, account or error"
    list_select_related = ("account", "integration")
    ordering = ("name",)
    actions = ("sync_selected", "reactivate_selected", "deactivate_selected")
    change_form_outer_before_template = "zuora/customer.html"
    quick_filters = (
        ("Needs attention", "sync_status__exact=needs_attention"),
        ("Active", "sync_status__exact=active"),
    )
    empty_title = "No customers yet"
    empty_text = "Add a Zuora tenant with its OAuth client, test the connection, and sync it."

    def get_urls(self) -> list[URLPattern]:
        """What is done to a customer, before Django's own."""
        return [
            self.post_path("<int:object_id>/sync/", self.sync_view, "sync"),
            self.post_path("<int:object_id>/test/", self.test_view, "test"),
            self.post_path("<int:object_id>/reactivate/", self.reactivate_view, "reactivate"),
            self.post_path("<int:object_id>/deactivate/", self.deactivate_view, "deactivate"),
            *super().get_urls(),
        ]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Visible customers, with how many workflows each has."""
        present = Count("workflows", filter=Q(workflows__removed_at__isnull=True), distinct=True)
        return super().get_queryset(request).annotate(present_workflows=present)

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Those who govern credentials."""
        return request.user.has_perm("zuora.add_zuoracustomer")

    def has_operate_permission(self, request: HttpRequest) -> bool:
        """Whether this user may sync, test and switch customers."""
        return request.user.has_perm(OPERATE) and self.has_view_permission(request)

    def get_list_display(self, request: HttpRequest) -> tuple[str, ...]:
        """Without buttons for those who may only look."""
        columns = tuple(super().get_list_display(request))
        return columns if self.has_operate_permission(request) else columns[:-1]

    def get_fieldsets(self, request: HttpRequest, obj: ZuoraCustomer | None = None) -> Any:
        """Its client, and how it is doing."""
        may_enter = obj is None or self.has_change_permission(request, obj)
        client = CLIENT if may_enter else tuple(name for name in CLIENT if name != "new_secret")
        parts = [("Client", {"fields": client})]
        return parts if obj is None else [("State", {"fields": STATE}), *parts]

    def get_readonly_fields(self, request: HttpRequest, obj: ZuoraCustomer | None = None) -> tuple[str, ...]:
        """A customer never moves to another account."""
        return STATE if obj is None else (*STATE, "account")

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """Only accounts that the user may see."""
        if db_field.name == "account":
            kwargs["queryset"] = _accounts(signed_in_user(request))
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def save_model(
        self, request: HttpRequest, obj: ZuoraCustomer, form: forms.ModelForm[ZuoraCustomer], change: bool
    ) -> None:
        """Store what was typed; the rest of the row stays as the sync left it."""
        secret = form.cleaned_data.get("new_secret")
        if secret:
            obj.set_secret(secret)
        if not change:
            obj.save()
            return
        edited = ["name", "base_url", "client_id", "entity_id", "org_ids", "updated_at"]
        obj.save(update_fields=[*edited, *(["client_secret"] if secret else [])])

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> Any:
        """The page, with how the customer is doing above the form."""
        customer: ZuoraCustomer | None = context.get("original")
        if customer is not None:
            context |= {
                "customer": customer,
                "status_label": cells.status(customer),
                "advice": cells.advice(customer),
                "can_operate": self.has_operate_permission(request),
                "can_reactivate": customer.sync_status != CustomerStatus.ACTIVE,
            }
        return super().render_change_form(request, context, *args, **kwargs)

    @admin.display(description="customer", ordering="name")
    def named(self, customer: ZuoraCustomer) -> SafeString:
        """Its name and account; the id is what the command takes."""
        return html.stacked(customer.name, html.muted(f"{customer.account} · ID {customer.pk}"))

    @admin.display(description="status", ordering="sync_status")
    def state(self, customer: ZuoraCustomer) -> SafeString:
        """Whether it is synced."""
        return cells.status(customer)

    @admin.display(description="last synced", ordering="last_synced_at")
    def synced(self, customer: ZuoraCustomer) -> SafeString:
        """When it was last synced well."""
        return html.when(customer.last_synced_at, empty="never")

    @admin.display(description="last started")
    def started(self, customer: ZuoraCustomer) -> SafeString:
        """When the last sync began."""
        return html.when(customer.last_sync_started_at, empty="never")

    @admin.display(ordering="present_workflows")
    def workflows(self, customer: ZuoraCustomer) -> SafeString:
        """How many there are, on to them."""
        count = getattr(customer, "present_workflows", 0)
        return cells.rows_link("workflow", customer, number(count)) if count else html.EMPTY

    @admin.display(description="workflow runs")
    def runs(self, customer: ZuoraCustomer) -> SafeString:
        """On to its runs."""
        return cells.rows_link("workflowrun", customer, "See its workflow runs")

    @admin.display(description="connection")
    def connection(self, customer: ZuoraCustomer) -> SafeString | str:
        """On to its connection, where its syncs are."""
        return html.link(
            reverse("admin:integrations_integration_change", args=[customer.integration_id]),
            customer.integration,
        )

    @admin.display(description="last error", ordering="last_error")
    def error_line(self, customer: ZuoraCustomer) -> SafeString:
        """The last error in one line."""
        return cells.last_error(customer)

    @admin.display(description="last error")
    def error_text(self, customer: ZuoraCustomer) -> SafeString | str:
        """The last error in full."""
        return customer.last_error or html.EMPTY

    @admin.display(description="calls left")
    def calls(self, customer: ZuoraCustomer) -> SafeString:
        """What is left of the tenant's limit."""
        return cells.calls_left(customer)

    @admin.display(description="")
    def buttons(self, customer: ZuoraCustomer) -> SafeString:
        """Sync it now; the rest is on its page."""
        url = reverse("admin:zuora_zuoracustomer_sync", args=[customer.pk])
        return html.post_button("Sync now", url, icon="sync")

    def sync_view(self, request: HttpRequest, object_id: int) -> HttpResponse:
        """Queue a sync and go to its job."""
        customer = self._operable(request, object_id)
        if customer is None:
            return self.missing(request, object_id)
        return to_job(self._sync(request, customer))

    def test_view(self, request: HttpRequest, object_id: int) -> HttpResponse:
        """Make two calls and say what came of them."""
        return self._one(request, object_id, self._test)

    def reactivate_view(self, request: HttpRequest, object_id: int) -> HttpResponse:
        """Sync it with all others again."""
        return self._one(request, object_id, self._reactivate)

    def deactivate_view(self, request: HttpRequest, object_id: int) -> HttpResponse:
        """Leave it out."""
        return self._one(request, object_id, self._deactivate)

    @admin.action(description="Sync selected customers now", permissions=["operate"])
    def sync_selected(self, request: HttpRequest, queryset: QuerySet[ZuoraCustomer]) -> HttpResponse:
        """Queue a sync of each, and go to the jobs."""
        jobs = {self._sync(request, customer).pk for customer in queryset}
        self.message_user(request, f"{counted(len(jobs), 'sync')} queued.")
        return redirect("admin:synclogs_job_changelist")

    @admin.action(description="Re-activate selected customers", permissions=["operate"])
    def reactivate_selected(self, request: HttpRequest, queryset: QuerySet[ZuoraCustomer]) -> None:
        """Sync these with all others again."""
        for customer in queryset:
            self._reactivate(request, customer)

    @admin.action(description="Deactivate selected customers", permissions=["operate"])
    def deactivate_selected(self, request: HttpRequest, queryset: QuerySet[ZuoraCustomer]) -> None:
        """Leave these out."""
        for customer in queryset:
            self._deactivate(request, customer)

    def _operable(self, request: HttpRequest, object_id: int) -> ZuoraCustomer | None:
        """The row to operate on, or None. Raises PermissionDenied for users who may only look."""
        if not self.has_operate_permission(request):
            raise PermissionDenied
        found: ZuoraCustomer | None = self.found(request, object_id)
        return found

    def _one(
        self, request: HttpRequest, object_id: int, operation: Callable[[HttpRequest, ZuoraCustomer], None]
    ) -> HttpResponse:
        customer = self._operable(request, object_id)
        if customer is None:
            return self.missing(request, object_id)
        operation(request, customer)
        return redirect(self.url_of(customer))

    def _sync(self, request: HttpRequest, customer: ZuoraCustomer) -> Any:
        before = timezone.now()
        job = services.queue_sync(customer, force=True, triggered_by=signed_in_user(request))
        if job.created_at < before:
            text = f"A sync of {customer} is {job.get_status_display()} already: this is it."
            self.message_user(request, text, messages.WARNING)
        else:
            self.done(request, customer, f"Queued a sync: job {job.pk}.", f"A sync of {customer} is queued.")
        return job

    def _test(self, request: HttpRequest, customer: ZuoraCustomer) -> None:
        try:
            services.test_connection(customer)
        except (IntegrationError, SecretUnreadable) as error:
            self.log_change(request, customer, f"Tested: failed ({error.code}).")
            self.refused(request, f"The test failed: {error}. {error.actionable_message}")
        except ImproperlyConfigured as error:
            self.refused(request, f"Not tested: {error}")
        else:
            self.done(request, customer, "Tested: works.", f"Zuora accepts the client of {customer}.")

    def _reactivate(self, request: HttpRequest, customer: ZuoraCustomer) -> None:
        if services.reactivate(customer):
            text = f"{customer} is synced with all others again."
            self.done(request, customer, "Re-activated.", text)
        else:
            self.refused(request, f"{customer} is active already.")

    def _deactivate(self, request: HttpRequest, customer: ZuoraCustomer) -> None:
        if services.deactivate(customer):
            text = f"{customer} is not synced with the others any more."
            self.done(request, customer, "Deactivated.", text)
        else:
            self.refused(request, f"{customer} is inactive already.")


def _accounts(user: User) -> QuerySet[Account]:
    return Account.objects.all() if user.sees_all_accounts else Account.objects.filter(membership__user=user)
