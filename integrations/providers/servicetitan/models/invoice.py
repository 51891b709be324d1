"""ServiceTitanInvoice: an invoice of a tenant."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from integrations.models import Mirrored
from integrations.providers.servicetitan.models.record import (
    Money,
    RecordQuerySet,
    document,
    flag,
    moment,
    number,
    of_credential,
    text,
)


class ServiceTitanInvoice(Mirrored):
    """An invoice, upserted by credential and `external_id`.

    `customer_external_id` is no foreign key: an invoice may arrive before its customer.
    """

    credential = of_credential("invoices")
    external_id = models.BigIntegerField("ID at ServiceTitan")
    active = flag()
    reference_number = text(verbose_name="number")
    customer_external_id = number(db_index=True)
    customer_name = text()
    location_external_id = number()
    location_name = text()
    business_unit_external_id = number()
    business_unit_name = text()
    job_external_id = number()
    job_number = text()
    job_type = text()
    invoice_type_name = text()
    assigned_to_name = text()
    sub_total = Money()
    sales_tax = Money()
    total = Money()
    balance = Money()
    discount_total = Money()
    sync_status = text()
    sent_status = text()
    review_status = text()
    invoice_configuration = text()
    invoice_date = moment()
    due_date = moment()
    paid_on = moment()
    deposited_on = moment()
    created_on = moment()
    source_modified_on = moment(verbose_name="modified at ServiceTitan")
    created_by = text()
    term_name = text()
    summary = text(help_text="May be HTML.")
    commission_eligibility_date = text()
    import_id = text()
    export_id = text()
    adjustment_to_id = number()
    project_id = number()
    tax_zone_id = number()
    budget_code_id = number()
    material_sku_id = number()
    membership_id = number()
    batch = document()
    sales_tax_code = document()
    employee_info = document()
    royalty = document()
    customer_address = document()
    location_address = document()
    custom_fields = document()
    items = document()

    objects: ClassVar[models.Manager[ServiceTitanInvoice]] = models.Manager.from_queryset(RecordQuerySet)()

    class Meta:
        db_table = "servicetitan_invoices"
        verbose_name = "ServiceTitan invoice"
        ordering = ("credential", "external_id")
        constraints = (
            models.UniqueConstraint(fields=("credential", "external_id"), name="servicetitan_invoice_id"),
        )

    def __str__(self) -> str:
        return f"invoice {self.reference_number or self.external_id}"
