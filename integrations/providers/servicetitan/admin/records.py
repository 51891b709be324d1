"""Customers and invoices, as they were last received."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, ClassVar

from django.contrib import admin
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.safestring import SafeString
from unfold.contrib.filters.admin import BooleanRadioFilter, DropdownFilter

from integrations.providers.servicetitan.models import ServiceTitanCustomer, ServiceTitanInvoice
from synclogs.admin import html
from synclogs.admin.base import OperatorAdmin, VisibleOnly
from synclogs.admin.filters import VisibleRelatedFilter

_WORD = re.compile(r"(?<=[a-z])(?=[A-Z])")
PROVENANCE = ("source_modified_on", "first_seen_at", "last_changed_at", "changed", "written_by", "raw_json")


class SyncStatusFilter(DropdownFilter):
    """Invoices in one state of their way to the bookkeeping."""

    title = "sync status"
    parameter_name = "sync_status"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """The states that are known."""
        return [(state, state) for state in ("Pending", "Posted", "Exported")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """The invoices in that state."""
        return queryset.filter(sync_status=self.value()) if self.value() else queryset


class MirroredAdmin(VisibleOnly, OperatorAdmin):
    """Rows of the vendor that nobody edits here."""

    show_full_result_count = False
    list_select_related = ("credential__account",)
    ordering = ("-pk",)
    empty_text = "The first sync of a ServiceTitan credential brings them."
    documents: ClassVar[tuple[str, ...]] = ()

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """No: rows come from syncs."""
        return False

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Visible rows; a list needs no documents."""
        rows = super().get_queryset(request)
        match = request.resolver_match
        if match is not None and "object_id" in match.kwargs:
            return rows.select_related("credential__account", "last_run")
        return rows.defer("raw", *self.documents)

    def lookup_allowed(self, lookup: str, value: Any, request: HttpRequest) -> bool:
        """Links from a run lead to the rows that it wrote last."""
        return lookup == "last_run__id__exact" or super().lookup_allowed(lookup, value, request)

    @admin.display(description="company", ordering="credential__account__name")
    def company(self, row: Any) -> SafeString:
        """Whose it is, and of which environment."""
        return html.joined([row.credential.company, html.muted(row.credential.environment)])

    @admin.display(description="active", ordering="active")
    def is_active(self, row: Any) -> SafeString:
        """Whether the vendor still uses it."""
        if row.active is None:
            return html.EMPTY
        return html.label("active", "ok") if row.active else html.label("inactive", "mute")

    @admin.display(description="modified", ordering="source_modified_on")
    def modified(self, row: Any) -> SafeString:
        """When it changed at the vendor."""
        return html.when(row.source_modified_on)

    @admin.display(description="changed last")
    def changed(self, row: Any) -> str:
        """What the last change changed."""
        return ", ".join(row.changed_fields) or "nothing: it is as it first came"

    @admin.display(description="written by")
    def written_by(self, row: Any) -> SafeString:
        """The run that wrote it last."""
        if row.last_run is None:
            return html.EMPTY
        return html.link(reverse("admin:synclogs_synclog_change", args=[row.last_run_id]), row.last_run)

    @admin.display(description="record as received")
    def raw_json(self, row: Any) -> SafeString:
        """The vendor's record."""
        return html.pretty_json(row.raw)


@admin.register(ServiceTitanCustomer)
class ServiceTitanCustomerAdmin(MirroredAdmin):
    """Customers."""

    list_display: ClassVar[Any] = (
        "shown_name", "external_id", "company", "kind", "balance_shown", "is_active", "modified",
    )  # fmt: skip
    list_filter: ClassVar[Any] = (
        ("active", BooleanRadioFilter),
        ("credential", VisibleRelatedFilter),
    )
    search_fields = ("name", "=external_id")
    search_help_text = "Search name or ID"
    documents = ("address", "custom_fields", "external_data", "tag_type_ids")
    empty_title = "No customers yet"
    fieldsets = (
        (None, {"fields": (
            "external_id", "company", "name", "type", "is_active", "merged_to_id", "address_line",
        )}),
        ("Money", {"fields": (
            "balance_shown", "credit_shown", "credit_left", "payment_term_id", "tax_exempt",
        )}),
        ("Wishes", {"fields": ("do_not_mail", "do_not_service", "national_account")}),
        ("Invoices", {"fields": ("invoices",)}),
        ("Where it comes from", {"fields": ("created_on", *PROVENANCE)}),
    )  # fmt: skip

    @admin.display(description="name", ordering="name")
    def shown_name(self, row: ServiceTitanCustomer) -> str:
        """Its name, or its id."""
        return str(row)

    @admin.display(description="type", ordering="type")
    def kind(self, row: ServiceTitanCustomer) -> str:
        """Residential or commercial."""
        return row.type or ""

    @admin.display(description="balance", ordering="balance")
    def balance_shown(self, row: ServiceTitanCustomer) -> str:
        """What it owes."""
        return money(row.balance)

    @admin.display(description="credit limit")
    def credit_shown(self, row: ServiceTitanCustomer) -> str:
        """What it may owe."""
        return money(row.credit_limit)

    @admin.display(description="credit left")
    def credit_left(self, row: ServiceTitanCustomer) -> str:
        """What it may owe besides."""
        return money(row.credit_limit_balance)

    @admin.display(description="address")
    def address_line(self, row: ServiceTitanCustomer) -> str:
        """Its address in one line."""
        parts = row.address if isinstance(row.address, dict) else {}
        return ", ".join(
            str(parts[name]) for name in ("street", "unit", "city", "state", "zip") if parts.get(name)
        )

    @admin.display(description="invoices")
    def invoices(self, row: ServiceTitanCustomer) -> SafeString:
        """On to its invoices."""
        query = urlencode(
            {"credential__id__exact": str(row.credential_id), "customer_external_id": str(row.external_id)}
        )
        address = reverse("admin:servicetitan_servicetitaninvoice_changelist")
        return html.link(f"{address}?{query}", "See its invoices")


@admin.register(ServiceTitanInvoice)
class ServiceTitanInvoiceAdmin(MirroredAdmin):
    """Invoices."""

    list_display: ClassVar[Any] = (
        "shown_number", "company", "customer_name", "total_shown", "balance_shown", "states", "is_active",
        "modified",
    )  # fmt: skip
    list_filter: ClassVar[Any] = (
        SyncStatusFilter,
        ("active", BooleanRadioFilter),
        ("credential", VisibleRelatedFilter),
    )
    search_fields = ("=reference_number", "customer_name", "=external_id")
    search_help_text = "Search number, customer or ID"
    documents = (
        *("batch", "sales_tax_code", "employee_info", "royalty", "customer_address", "location_address"),
        *("custom_fields", "items", "summary"),
    )
    empty_title = "No invoices yet"
    fieldsets = (
        (None, {"fields": (
            "external_id", "reference_number", "company", "customer", "job_number", "business_unit_name",
            "summary",
        )}),
        ("Money", {"fields": ("before_tax", "tax_shown", "total_shown", "discount_shown", "balance_shown")}),
        ("State", {"fields": (
            "is_active", "sync_status", "sent_status", "review_status", "invoice_configuration",
            "invoiced", "due", "paid", "deposited",
        )}),
        ("Where it comes from", {"fields": ("created_on", "created_by", *PROVENANCE)}),
    )  # fmt: skip

    def lookup_allowed(self, lookup: str, value: Any, request: HttpRequest) -> bool:
        """Links from a customer lead to its invoices."""
        return lookup == "customer_external_id" or super().lookup_allowed(lookup, value, request)

    @admin.display(description="invoice", ordering="reference_number")
    def shown_number(self, row: ServiceTitanInvoice) -> str:
        """Its number, or its id."""
        return str(row.reference_number or row.external_id)

    @admin.display(description="customer")
    def customer(self, row: ServiceTitanInvoice) -> SafeString:
        """On to its customer, if that has arrived."""
        known = ServiceTitanCustomer.objects.filter(
            credential=row.credential_id, external_id=row.customer_external_id or 0
        ).first()
        if known is None:
            return html.joined([row.customer_name or "", html.muted("not received yet")])
        return html.link(reverse("admin:servicetitan_servicetitancustomer_change", args=[known.pk]), known)

    @admin.display(description="before tax")
    def before_tax(self, row: ServiceTitanInvoice) -> str:
        """The total without the tax."""
        return money(row.sub_total)

    @admin.display(description="tax")
    def tax_shown(self, row: ServiceTitanInvoice) -> str:
        """The sales tax."""
        return money(row.sales_tax)

    @admin.display(description="discount")
    def discount_shown(self, row: ServiceTitanInvoice) -> str:
        """What was taken off."""
        return money(row.discount_total)

    @admin.display(description="total", ordering="total")
    def total_shown(self, row: ServiceTitanInvoice) -> str:
        """What it comes to."""
        return money(row.total)

    @admin.display(description="balance", ordering="balance")
    def balance_shown(self, row: ServiceTitanInvoice) -> str:
        """What is left to pay."""
        return money(row.balance)

    @admin.display(description="invoice date")
    def invoiced(self, row: ServiceTitanInvoice) -> str:
        """The day on it."""
        return day(row.invoice_date)

    @admin.display(description="due date")
    def due(self, row: ServiceTitanInvoice) -> str:
        """The day by which it is to be paid."""
        return day(row.due_date)

    @admin.display(description="paid on")
    def paid(self, row: ServiceTitanInvoice) -> str:
        """The day on which it was paid."""
        return day(row.paid_on)

    @admin.display(description="deposited on")
    def deposited(self, row: ServiceTitanInvoice) -> str:
        """The day on which the money was deposited."""
        return day(row.deposited_on)

    @admin.display(description="state")
    def states(self, row: ServiceTitanInvoice) -> SafeString:
        """How far it is on its way."""
        return html.joined(
            [row.sync_status or "", html.muted(_WORD.sub(" ", row.review_status or "").lower())]
        )


def day(moment: datetime | None) -> str:
    """A day as the vendor means it: midnight in UTC stands for all of it."""
    return "" if moment is None else f"{moment.astimezone(UTC):%Y-%m-%d}"


def money(amount: Decimal | None) -> str:
    """An amount with separators and two places, more where it has them; empty when it is not known."""
    if amount is None:
        return ""
    whole = amount == amount.quantize(Decimal("0.01"))
    return f"{amount:,.2f}" if whole else f"{amount.normalize():,f}"
