"""Customers and invoices as ServiceTitan's lists and feeds send them: docs/servicetitan.md, "Records".

Only the id is needed: what is missing is null. Enumerations are plain texts, since they grow; objects and
lists stay as they were received. Moments stay texts here, because they have seven fractional digits and must
be cut, not rounded, to microseconds.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated

import msgspec

Id = Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)]


NULL = msgspec.Raw(b"null")


class Named(msgspec.Struct):
    """A reference to another record."""

    id: Id | None = None
    name: str | None = None


class JobReference(msgspec.Struct):
    """The job that an invoice is for."""

    id: Id | None = None
    number: str | None = None
    type: str | None = None


class CustomerRecord(msgspec.Struct, rename="camel"):
    """A customer; money comes as numbers."""

    external_id: int = msgspec.field(name="id")
    active: bool | None = None
    name: str | None = None
    type: str | None = None
    address: msgspec.Raw = NULL
    custom_fields: msgspec.Raw = NULL
    external_data: msgspec.Raw = NULL
    tag_type_ids: msgspec.Raw = NULL
    balance: Decimal | None = None
    credit_limit: Decimal | None = None
    credit_limit_balance: Decimal | None = None
    tax_exempt: bool | None = None
    do_not_mail: bool | None = None
    do_not_service: bool | None = None
    national_account: bool | None = None
    merged_to_id: Id | None = None
    payment_term_id: Id | None = None
    created_on: str | None = None
    created_by_id: Id | None = None
    modified_on: str | None = None


class InvoiceRecord(msgspec.Struct, rename="camel"):
    """An invoice; money comes as texts."""

    external_id: int = msgspec.field(name="id")
    active: bool | None = None
    reference_number: str | None = None
    customer: Named | None = None
    location: Named | None = None
    business_unit: Named | None = None
    job: JobReference | None = None
    invoice_type: Named | None = None
    assigned_to: Named | None = None
    sub_total: Decimal | None = None
    sales_tax: Decimal | None = None
    total: Decimal | None = None
    balance: Decimal | None = None
    discount_total: Decimal | None = None
    sync_status: str | None = None
    sent_status: str | None = None
    review_status: str | None = None
    invoice_configuration: str | None = None
    invoice_date: str | None = None
    due_date: str | None = None
    paid_on: str | None = None
    deposited_on: str | None = None
    created_on: str | None = None
    modified_on: str | None = None
    created_by: str | None = None
    term_name: str | None = None
    summary: str | None = None
    commission_eligibility_date: str | None = None
    import_id: str | None = None
    export_id: str | None = None
    adjustment_to_id: Id | None = None
    project_id: Id | None = None
    tax_zone_id: Id | None = None
    budget_code_id: Id | None = None
    material_sku_id: Id | None = None
    membership_id: Id | None = None
    batch: msgspec.Raw = NULL
    sales_tax_code: msgspec.Raw = NULL
    employee_info: msgspec.Raw = NULL
    royalty: msgspec.Raw = NULL
    customer_address: msgspec.Raw = NULL
    location_address: msgspec.Raw = NULL
    custom_fields: msgspec.Raw = NULL
    items: msgspec.Raw = NULL


class FeedReply(msgspec.Struct, rename="camel"):
    """One page of an export feed; the records stay as they were received."""

    has_more: bool
    continue_from: str
    data: list[msgspec.Raw]


class ListReply(msgspec.Struct, rename="camel"):
    """One page of a list; the records stay as they were received."""

    page: int
    page_size: int
    has_more: bool
    data: list[msgspec.Raw]
