"""Workflow: a definition in a customer's Zuora."""

from __future__ import annotations

from django.db import models

from integrations.models.mirrored import Mirrored
from integrations.providers.zuora.models.customer import ZuoraCustomer
from integrations.providers.zuora.models.scoping import OfCustomerManager


class Workflow(Mirrored):
    """A workflow as Zuora describes it.

    `removed_at` is set once Zuora says that it does not exist any more, and cleared when it returns.
    """

    customer = models.ForeignKey(ZuoraCustomer, on_delete=models.CASCADE, related_name="workflows")
    zuora_id = models.BigIntegerField("Zuora ID")
    name = models.CharField(max_length=500)
    description = models.TextField(blank=True, default="")
    status = models.CharField(max_length=60, blank=True, default="")
    callout_trigger = models.BooleanField(default=False)
    ondemand_trigger = models.BooleanField("on-demand trigger", default=False)
    scheduled_trigger = models.BooleanField(default=False)
    interval = models.CharField(max_length=200, blank=True, default="")
    timezone = models.CharField(max_length=100, blank=True, default="")
    priority = models.CharField(max_length=60, blank=True, default="")
    active_version_id = models.BigIntegerField(null=True, blank=True)
    active_version = models.CharField(max_length=60, blank=True, default="")
    active_version_status = models.CharField(max_length=60, blank=True, default="")
    inactive_versions = models.JSONField(default=list, blank=True)
    source_created_at = models.DateTimeField("created in Zuora", null=True, blank=True)
    source_updated_at = models.DateTimeField("updated in Zuora", null=True, blank=True)
    removed_at = models.DateTimeField(null=True, blank=True)

    objects = OfCustomerManager()

    class Meta:
        ordering = ("name",)
        constraints = (
            models.UniqueConstraint(fields=("customer", "zuora_id"), name="zuora_workflow_customer_id"),
        )

    def __str__(self) -> str:
        return self.name
