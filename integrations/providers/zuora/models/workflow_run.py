"""WorkflowRun: one execution of a workflow."""

from __future__ import annotations

from django.db import models

from integrations.models.mirrored import Mirrored
from integrations.providers.zuora.models.customer import ZuoraCustomer
from integrations.providers.zuora.models.scoping import OfCustomerManager
from integrations.providers.zuora.models.workflow import Workflow

ENDED_STATUSES = ("Stopped", "Finished")


class WorkflowRun(Mirrored):
    """A run as Zuora told it last. Finished is no success: `has_errors` says whether a task failed.

    Zuora purges runs after some weeks; `purged_at` is when one was found to be gone before it had ended here.
    """

    customer = models.ForeignKey(ZuoraCustomer, on_delete=models.CASCADE, related_name="workflow_runs")
    workflow = models.ForeignKey(
        Workflow, null=True, blank=True, on_delete=models.SET_NULL, related_name="runs"
    )
    zuora_id = models.BigIntegerField("Zuora ID")
    name = models.CharField(max_length=500, blank=True, default="")
    original_workflow_id = models.BigIntegerField(null=True, blank=True)
    status = models.CharField(max_length=60, blank=True, default="")
    tasks_total = models.PositiveIntegerField("tasks", default=0)
    tasks_queued = models.PositiveIntegerField(default=0)
    tasks_processing = models.PositiveIntegerField(default=0)
    tasks_pending = models.PositiveIntegerField(default=0)
    tasks_stopped = models.PositiveIntegerField(default=0)
    tasks_success = models.PositiveIntegerField(default=0)
    tasks_error = models.PositiveIntegerField(default=0)
    has_errors = models.BooleanField(default=False)
    run_time_seconds = models.FloatField("run time", null=True, blank=True)
    cpu_time = models.CharField("CPU time", max_length=40, blank=True, default="")
    source_created_at = models.DateTimeField("created in Zuora", null=True, blank=True)
    source_updated_at = models.DateTimeField("updated in Zuora", null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    purged_at = models.DateTimeField(null=True, blank=True)

    objects = OfCustomerManager()

    class Meta:
        ordering = ("-source_created_at",)
        verbose_name = "workflow run"
        constraints = (
            models.UniqueConstraint(fields=("customer", "zuora_id"), name="zuora_run_customer_id"),
        )
        indexes = (models.Index(fields=("customer", "status"), name="zuora_run_customer_status"),)

    def __str__(self) -> str:
        return self.name or f"run {self.zuora_id}"
