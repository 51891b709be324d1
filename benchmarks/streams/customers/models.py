"""The customers of the benchmark, and the connection's owner that they hang on."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from integrations.models import Mirrored


class BenchCustomer(Mirrored):
    """A customer as a provider's app would have it."""

    objects: ClassVar[models.Manager[BenchCustomer]] = models.Manager()

    credential_id = models.BigIntegerField()
    external_id = models.BigIntegerField()
    active = models.BooleanField(default=True)
    name = models.CharField(max_length=255)
    type = models.CharField(max_length=40)
    street = models.CharField(max_length=255)
    city = models.CharField(max_length=100)
    address = models.JSONField(default=dict)
    custom_fields = models.JSONField(default=list)
    balance = models.DecimalField(max_digits=18, decimal_places=4, null=True)
    tax_exempt = models.BooleanField(default=False)
    tag_type_ids = models.JSONField(default=list)
    do_not_mail = models.BooleanField(default=False)
    do_not_service = models.BooleanField(default=False)
    national_account = models.BooleanField(default=False)
    created_on = models.DateTimeField(null=True)
    created_by_id = models.BigIntegerField(null=True)
    source_modified_on = models.DateTimeField(null=True)
    merged_to_id = models.BigIntegerField(null=True)
    payment_term_id = models.BigIntegerField(null=True)
    credit_limit = models.DecimalField(max_digits=18, decimal_places=4, null=True)
    credit_limit_balance = models.DecimalField(max_digits=18, decimal_places=4, null=True)
    external_data = models.JSONField(default=list)

    class Meta:
        db_table = "bench_customers"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=("credential_id", "external_id"), name="bench_customer_key")
        ]
