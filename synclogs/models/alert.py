"""Alert: something an operator must know, once, and again when it is over."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models

from accounts.models import Account


class AlertSeverity(models.TextChoices):
    """How bad it is."""

    INFO = "info", "info"
    WARNING = "warning", "warning"
    CRITICAL = "critical", "critical"


class AlertState(models.TextChoices):
    """Whether it is still so."""

    OPEN = "open", "open"
    RECOVERED = "recovered", "recovered"


class Alert(models.Model):
    """One problem, by fingerprint: the same problem again raises `count`, not another row."""

    fingerprint = models.CharField(max_length=64, unique=True)
    rule = models.CharField(max_length=60)
    severity = models.CharField(max_length=10, choices=AlertSeverity.choices)
    state = models.CharField(max_length=10, choices=AlertState.choices, default=AlertState.OPEN)
    source = models.CharField(max_length=100)
    account = models.ForeignKey(Account, null=True, blank=True, on_delete=models.CASCADE, related_name="+")
    integration = models.ForeignKey(
        "integrations.Integration", null=True, blank=True, on_delete=models.CASCADE, related_name="+"
    )
    run = models.ForeignKey(
        "synclogs.SyncLog", null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    job = models.ForeignKey(
        "synclogs.Job", null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    error_code = models.CharField(max_length=60, blank=True, default="")
    message = models.TextField()
    actionable_message = models.TextField(blank=True, default="")
    context = models.JSONField(default=dict, blank=True)
    count = models.PositiveIntegerField(default=1)
    first_seen = models.DateTimeField()
    last_seen = models.DateTimeField()
    notified_at = models.DateTimeField(null=True, blank=True)
    recovered_at = models.DateTimeField(null=True, blank=True)
    acknowledged_at = models.DateTimeField(null=True, blank=True)
    acknowledged_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )

    objects: ClassVar[models.Manager[Alert]] = models.Manager()

    class Meta:
        db_table = "alerts"
        ordering = ("-last_seen",)
        indexes = (models.Index(fields=("state", "-last_seen"), name="alert_state_last_seen"),)

    def __str__(self) -> str:
        return f"{self.severity}: {self.message[:80]}"
