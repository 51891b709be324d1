"""Customers and invoices as bulk streams: docs/streams.md and docs/servicetitan.md, "How records come"."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, ClassVar

import orjson

from integrations.http.errors import RecordError
from integrations.http.paginators import PageWalk
from integrations.providers.servicetitan.config import SyncStrategy
from integrations.providers.servicetitan.models import ServiceTitanCustomer, ServiceTitanInvoice
from integrations.providers.servicetitan.schemas import CustomerRecord, InvoiceRecord
from integrations.providers.servicetitan.sources import Source
from integrations.sync.bulk_stream import BulkStream, Start

MODIFIED = "source_modified_on"
SHOWN = (
    *(
        "id",
        "referenceNumber",
        "type",
        "active",
        "modifiedOn",
        "balance",
        "creditLimit",
        "creditLimitBalance",
    ),
    *("total", "subTotal", "salesTax", "discountTotal", "syncStatus"),
)
ONE_PAGE = 1
"""A page is stored as soon as it is there: a run that is killed fetches one page a second time, no more."""


class TitanStream(BulkStream):
    """One kind of record of one credential, from its feed or from its list."""

    key = "external_id"
    modified = MODIFIED
    batch_size = ONE_PAGE
    moments: ClassVar[tuple[str, ...]]

    def __init__(self, source: Source, credential_id: object, strategy: SyncStrategy) -> None:
        super().__init__(credential_id=credential_id)
        self._source = source
        self._strategy = strategy

    def pages(self, start: Start) -> PageWalk:
        """From where the last page that was stored left off."""
        if self._strategy is SyncStrategy.LIST:
            return self._source.list_pages(self.name, start)
        return self._source.feed_pages(self.name, start)

    def excerpt(self, raw: Any) -> str:
        """Its number, time and money: enough to find it at the vendor, and nothing about people."""
        try:
            fields = orjson.loads(bytes(raw))
        except orjson.JSONDecodeError:
            return ""
        shown = {name: fields[name] for name in SHOWN if name in fields} if isinstance(fields, dict) else {}
        return orjson.dumps(shown).decode()

    def moment(self, record: Any, name: str) -> datetime | None:
        """A moment of a record, cut to microseconds. Raises RecordError for a text that is none."""
        text = getattr(record, name)
        if not text:
            return None
        try:
            found = datetime.fromisoformat(text)
        except ValueError:
            raise RecordError(f"{name} is no moment: {text[:40]!r}", code="bad_value", field=name) from None
        return found if found.tzinfo is not None else found.replace(tzinfo=UTC)


class Customers(TitanStream):
    """The customers of a tenant."""

    name = "customers"
    model = ServiceTitanCustomer
    record = CustomerRecord
    plain: ClassVar[tuple[str, ...]] = (
        *("active", "name", "type", "address", "custom_fields", "external_data", "tag_type_ids", "balance"),
        *("credit_limit", "credit_limit_balance", "tax_exempt", "do_not_mail", "do_not_service"),
        *("national_account", "merged_to_id", "payment_term_id", "created_by_id"),
    )
    columns = (*plain, "created_on", MODIFIED)

    def row(self, record: CustomerRecord) -> Sequence[Any]:
        """The values of `columns`."""
        values = [getattr(record, name) for name in self.plain]
        return [*values, self.moment(record, "created_on"), self.moment(record, "modified_on")]


class Invoices(TitanStream):
    """The invoices of a tenant."""

    name = "invoices"
    model = ServiceTitanInvoice
    record = InvoiceRecord
    plain: ClassVar[tuple[str, ...]] = (
        *("active", "reference_number", "sub_total", "sales_tax", "total", "balance", "discount_total"),
        *("sync_status", "sent_status", "review_status", "invoice_configuration", "created_by", "term_name"),
        *("summary", "commission_eligibility_date", "import_id", "export_id", "adjustment_to_id"),
        *("project_id", "tax_zone_id", "budget_code_id", "material_sku_id", "membership_id", "batch"),
        *("sales_tax_code", "employee_info", "royalty", "customer_address", "location_address"),
        *("custom_fields", "items"),
    )
    dated: ClassVar[tuple[str, ...]] = (
        *("invoice_date", "due_date", "paid_on", "deposited_on", "created_on", "modified_on"),
    )
    references: ClassVar[tuple[tuple[str, str, str], ...]] = (
        ("customer", "id", "customer_external_id"),
        ("customer", "name", "customer_name"),
        ("location", "id", "location_external_id"),
        ("location", "name", "location_name"),
        ("business_unit", "id", "business_unit_external_id"),
        ("business_unit", "name", "business_unit_name"),
        ("job", "id", "job_external_id"),
        ("job", "number", "job_number"),
        ("job", "type", "job_type"),
        ("invoice_type", "name", "invoice_type_name"),
        ("assigned_to", "name", "assigned_to_name"),
    )
    columns = (*plain, *dated[:-1], MODIFIED, *[column for _, _, column in references])

    def row(self, record: InvoiceRecord) -> Sequence[Any]:
        """The values of `columns`."""
        return [
            *(getattr(record, name) for name in self.plain),
            *(self.moment(record, name) for name in self.dated),
            *(getattr(getattr(record, name), part, None) for name, part, _ in self.references),
        ]


STREAMS: dict[str, type[TitanStream]] = {stream.name: stream for stream in (Customers, Invoices)}
