"""CommandExecution: a management command that wrote something, and how it ended."""

from __future__ import annotations

from django.db import models

from accounts.models import Account


class CommandStatus(models.TextChoices):
    """How far a command has come."""

    STARTED = "started", "started"
    COMPLETED = "completed", "completed"
    FAILED = "failed", "failed"


class CommandExecution(models.Model):
    """One call of a command. Dry runs and read-only commands leave none."""

    command = models.CharField(max_length=100)
    action = models.CharField(max_length=60, default="run")
    args = models.JSONField(default=dict, blank=True)
    status = models.CharField(max_length=10, choices=CommandStatus.choices, default=CommandStatus.STARTED)
    account = models.ForeignKey(Account, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    run = models.ForeignKey(
        "synclogs.SyncLog", null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    started_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True, blank=True)
    duration_ms = models.PositiveBigIntegerField(null=True, blank=True)
    counters = models.JSONField(default=dict, blank=True)
    error_code = models.CharField(max_length=60, blank=True, default="")
    error = models.TextField(blank=True, default="")

    class Meta:
        db_table = "command_executions"
        ordering = ("-started_at",)
        indexes = (models.Index(fields=("command", "-started_at"), name="command_name_started"),)

    def __str__(self) -> str:
        return f"{self.command} {self.action} {self.status}"
