"""SyncLog: one run, from its start to its end, and the fence that keeps its counts true."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any, ClassVar, Self

from django.conf import settings
from django.db import models
from django.db.models import F
from django.utils import timezone

from accounts.models import Account
from synclogs.broadcast import broadcast_sync_status
from synclogs.counts import Counts
from synclogs.events import SyncCompleted, SyncFailed, SyncStarted
from synclogs.models.run_end import end, set_fenced, update_fenced
from synclogs.models.run_start import SyncLogManager
from synclogs.models.run_states import SyncPhase, SyncStatus, SyncTrigger
from synclogs.redaction import redact_value


class SyncLog(models.Model):
    """One run. Its counts change only together with the rows that they count, under its owner token."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="+")
    integration = models.ForeignKey(
        "integrations.Integration", null=True, blank=True, on_delete=models.SET_NULL, related_name="runs"
    )
    provider = models.CharField(max_length=40, blank=True, default="")
    job = models.ForeignKey(
        "synclogs.Job", null=True, blank=True, on_delete=models.SET_NULL, related_name="started_runs"
    )
    sync_type = models.CharField("type", max_length=60)
    sync_trigger = models.CharField("trigger", max_length=20, choices=SyncTrigger.choices)
    sync_status = models.CharField(
        "status", max_length=20, choices=SyncStatus.choices, default=SyncStatus.STARTED
    )
    phase = models.CharField(max_length=20, choices=SyncPhase.choices, blank=True, default=SyncPhase.NONE)
    scope = models.CharField(max_length=100, blank=True, default="")
    lock_key = models.CharField(max_length=200, null=True, blank=True, unique=True)
    owner_token = models.CharField(max_length=32, blank=True, default="", editable=False)
    started_at = models.DateTimeField()
    completed_at = models.DateTimeField(null=True, blank=True)
    duration_seconds = models.FloatField(null=True, blank=True)
    records_expected = models.PositiveIntegerField(null=True, blank=True)
    records_processed = models.PositiveIntegerField("processed", default=0)
    records_created = models.PositiveIntegerField("created", default=0)
    records_updated = models.PositiveIntegerField("updated", default=0)
    records_unchanged = models.PositiveIntegerField("unchanged", default=0)
    records_skipped = models.PositiveIntegerField("skipped", default=0)
    records_failed = models.PositiveIntegerField("failed", default=0)
    records_removed = models.PositiveIntegerField("removed", default=0)
    extra_counts = models.JSONField(default=dict, blank=True)
    changed_fields = models.JSONField(
        default=dict, blank=True, help_text="How often each field of the target changed in this run."
    )
    checkpoint = models.JSONField(
        default=dict, blank=True, help_text="How far the run has come; where a killed run goes on."
    )
    jobs_total = models.PositiveIntegerField(default=0)
    jobs_ok = models.PositiveIntegerField(default=0)
    jobs_failed = models.PositiveIntegerField(default=0)
    error_code = models.CharField(max_length=60, blank=True, default="")
    error_message = models.TextField(blank=True, default="")
    error_details = models.JSONField(default=dict, blank=True)
    triggered_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    retry_of = models.ForeignKey(
        "self", null=True, blank=True, on_delete=models.SET_NULL, related_name="retries"
    )
    context = models.JSONField(default=dict, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    objects: ClassVar[SyncLogManager] = SyncLogManager()

    class Meta:
        db_table = "sync_logs"
        ordering = ("-started_at",)
        verbose_name = "run"
        verbose_name_plural = "runs (sync log)"
        permissions = (("operate_syncs", "Can start, retry and cancel syncs"),)
        constraints = (
            models.CheckConstraint(
                name="sync_log_counts_balance",
                condition=models.Q(
                    records_processed=F("records_created")
                    + F("records_updated")
                    + F("records_unchanged")
                    + F("records_skipped")
                    + F("records_failed")
                ),
            ),
        )
        indexes = (
            models.Index(fields=("-started_at",), name="sync_log_started"),
            models.Index(fields=("sync_type", "-started_at"), name="sync_log_type_started"),
            models.Index(fields=("sync_status", "-started_at"), name="sync_log_status_started"),
            models.Index(fields=("integration", "-started_at"), name="sync_log_integration"),
        )

    def __str__(self) -> str:
        words = self.sync_type.replace("_", " ").capitalize()
        local = timezone.localtime(self.started_at)
        clock = f"{local:%I:%M %p %Z}".lstrip("0")
        return f"{words}, {local:%b} {local.day}, {local:%Y}, {clock}"

    @classmethod
    def start(cls, *args: Any, **kwargs: Any) -> SyncLog:
        """Open a run; the same as `SyncLog.objects.start`."""
        return cls.objects.start(*args, **kwargs)

    @property
    def is_open(self) -> bool:
        """Whether the run has not ended."""
        return self.sync_status == SyncStatus.STARTED

    @property
    def counts(self) -> Counts:
        """The counts as this row has them."""
        return Counts(
            created=self.records_created,
            updated=self.records_updated,
            unchanged=self.records_unchanged,
            skipped=self.records_skipped,
            failed=self.records_failed,
            removed=self.records_removed,
        )

    @property
    def status_for_machines(self) -> str:
        """The status as JSON and logs spell it: `warning` is `completed_with_warning`."""
        return "completed_with_warning" if self.sync_status == SyncStatus.WARNING else self.sync_status

    def as_dict(self) -> dict[str, Any]:
        """The run for machines: type, status as they spell it, counts, seconds, error."""
        return {
            "type": self.sync_type,
            "status": self.status_for_machines,
            **self.counts.as_dict(),
            "seconds": round(self.duration_seconds or 0.0, 3),
            "error_code": self.error_code,
            "error_message": self.error_message,
        }

    def as_live_payload(self) -> dict[str, Any]:
        """The run as the live pages show it."""
        return {
            "run": str(self.pk),
            "type": self.sync_type,
            "trigger": self.sync_trigger,
            "status": self.sync_status,
            "status_label": self.get_sync_status_display(),
            "phase": self.phase,
            "provider": self.provider,
            "connection": self.integration.name if self.integration is not None else "",
            "started_at": self.started_at.isoformat(),
            "completed_at": self.completed_at.isoformat() if self.completed_at else None,
            "duration_seconds": self.duration_seconds,
            "expected": self.records_expected,
            "error_message": self.error_message,
            **self.counts.as_dict(),
        }

    def announce_start(self) -> None:
        """Tell the live channels in this transaction, and the receivers after it."""
        broadcast_sync_status.started(self)
        SyncStarted.of(self).send_after_commit()

    def announce_end(self) -> None:
        """Tell the live channels in this transaction, and the receivers after it."""
        broadcast_sync_status.ended(self)
        failed = self.sync_status == SyncStatus.FAILED
        (SyncFailed.of(self) if failed else SyncCompleted.of(self)).send_after_commit()

    def add_batch(self, counts: Counts, **columns: Any) -> None:
        """Add one batch's counts, and set further columns, inside the transaction that writes its rows.

        Raises RunFenced, so that the batch is rolled back, when this process no longer owns the run.
        """
        changes: dict[str, Any] = {
            name: F(name) + value for name, value in counts.as_columns().items() if value
        }
        update_fenced(self, changes | columns)
        for name, value in counts.as_columns().items():
            setattr(self, name, getattr(self, name) + value)
        broadcast_sync_status.progress(self)

    def reset_counts(self, counts: Counts) -> None:
        """Put the counts back to an earlier state: a killed run repeats the part it did not finish."""
        set_fenced(self, counts.as_columns())

    def note(self, **columns: Any) -> None:
        """Set columns of an open run that this process owns (phase, expected records, checkpoint)."""
        set_fenced(self, columns)

    def complete(self, results: Mapping[str, int] | None = None) -> None:
        """End well. `results` replaces the counts when given (aliases as `Counts.from_results`)."""
        end(self, SyncStatus.COMPLETED, results)

    def complete_with_warning(
        self, message: str, results: Mapping[str, int] | None = None, *, code: str = ""
    ) -> None:
        """End with something an operator should read: lost records, or an answer that looks wrong."""
        end(self, SyncStatus.WARNING, results, error_message=message, error_code=code)

    def fail(self, message: str, details: Mapping[str, Any] | None = None, *, code: str = "") -> None:
        """End badly. The counts reached so far are kept."""
        end(
            self,
            SyncStatus.FAILED,
            None,
            error_message=message,
            error_code=code,
            error_details=redact_value(dict(details or {})),
        )

    def cancel(self, message: str = "Cancelled by an operator.") -> None:
        """End because somebody asked. What was done is kept and counted."""
        end(self, SyncStatus.CANCELLED, None, error_message=message, error_code="cancelled")

    def owned_by(self, token: str) -> Self:
        """The same row, acting under `token`."""
        self.owner_token = token
        return self
