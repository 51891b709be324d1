"""CircuitSnapshot: a circuit as it stood on a day, kept for good."""

from __future__ import annotations

from django.conf import settings
from django.db import models

from circuits.models.circuit import Circuit


class SnapshotType(models.TextChoices):
    """Why a snapshot was taken."""

    DAILY = "daily", "daily"
    STATUS_CHANGE = "status_change", "status change"
    MANUAL = "manual", "by hand"


class CircuitSnapshot(models.Model):
    """Progress, stage and planned units of a circuit on a day. Inserted once, never changed."""

    circuit = models.ForeignKey(Circuit, on_delete=models.CASCADE, related_name="snapshots")
    snapshot_type = models.CharField(max_length=20, choices=SnapshotType.choices)
    snapshot_date = models.DateField()
    miles_planned = models.DecimalField(max_digits=10, decimal_places=2, default=0)
    percent_complete = models.DecimalField(max_digits=5, decimal_places=2, default=0)
    api_status = models.CharField(max_length=20)
    workflow_stage = models.CharField(max_length=30)
    total_units = models.PositiveIntegerField(default=0)
    total_trees = models.PositiveIntegerField(default=0)
    total_linear_ft = models.DecimalField(max_digits=12, decimal_places=2, default=0)
    total_acres = models.DecimalField(max_digits=12, decimal_places=4, default=0)
    units_approved = models.PositiveIntegerField(default=0)
    units_refused = models.PositiveIntegerField(default=0)
    units_pending = models.PositiveIntegerField(default=0)
    metrics = models.JSONField(default=dict, blank=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    notes = models.TextField(blank=True, default="")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("-snapshot_date",)
        constraints = (
            models.UniqueConstraint(
                fields=("circuit", "snapshot_type", "snapshot_date"), name="circuit_snapshot_day_uniq"
            ),
        )
        indexes = (models.Index(fields=("snapshot_date",), name="circuit_snapshot_date"),)

    def __str__(self) -> str:
        return f"{self.circuit} on {self.snapshot_date}"
