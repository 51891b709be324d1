"""ServiceTitanCustomer: a customer of a tenant."""

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


class ServiceTitanCustomer(Mirrored):
    """A customer, upserted by credential and `external_id`. Not active as a rule means merged away."""

    credential = of_credential("customers")
    external_id = models.BigIntegerField("ID at ServiceTitan")
    active = flag()
    name = text()
    type = text()
    address = document()
    custom_fields = document()
    external_data = document()
    tag_type_ids = document()
    balance = Money()
    credit_limit = Money()
    credit_limit_balance = Money()
    tax_exempt = flag()
    do_not_mail = flag()
    do_not_service = flag()
    national_account = flag()
    merged_to_id = number()
    payment_term_id = number()
    created_on = moment()
    created_by_id = number()
    source_modified_on = moment(verbose_name="modified at ServiceTitan")

    objects: ClassVar[models.Manager[ServiceTitanCustomer]] = models.Manager.from_queryset(RecordQuerySet)()

    class Meta:
        db_table = "servicetitan_customers"
        verbose_name = "ServiceTitan customer"
        ordering = ("credential", "external_id")
        constraints = (
            models.UniqueConstraint(fields=("credential", "external_id"), name="servicetitan_customer_id"),
        )

    def __str__(self) -> str:
        return self.name or f"customer {self.external_id}"
