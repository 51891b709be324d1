"""Job, the durable unit of background work, and JobAttempt, each try at it."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, ClassVar

from django.db import models
from django.utils import timezone

from accounts.models import Account
from accounts.models.scoping import AccountScopedManager

if TYPE_CHECKING:
    from django.db.models.manager import Manager


class JobStatus(models.TextChoices):
    """Where a job stands. Failed is the dead letter: it stays until somebody retries or prunes it."""

    QUEUED = "queued", "queued"
    RUNNING = "running", "running"
    RETRY_WAIT = "retry_wait", "waiting to retry"
    SUCCEEDED = "succeeded", "succeeded"
    FAILED = "failed", "failed"
    CANCELLED = "cancelled", "cancelled"


OPEN_JOB_STATUSES = (JobStatus.QUEUED, JobStatus.RUNNING, JobStatus.RETRY_WAIT)
WAITING_JOB_STATUSES = (JobStatus.QUEUED, JobStatus.RETRY_WAIT)


class JobQueue(models.TextChoices):
    """The seven queues in order of priority, which is a head start and not absolute."""

    WEBHOOK = "webhook", "webhook"
    HIGH_PRIORITY = "high-priority", "high priority"
    FETCH = "fetch", "fetch"
    PROCESS = "process", "process"
    WORKFLOWS = "workflows", "workflows"
    INIT = "init", "init"
    DEFAULT = "default", "default"


class AttemptOutcome(models.TextChoices):
    """How one try at a job ended."""

    RUNNING = "running", "running"
    SUCCEEDED = "succeeded", "succeeded"
    FAILED = "failed", "failed"
    POSTPONED = "postponed", "postponed"
    CANCELLED = "cancelled", "cancelled"
    LOST = "lost", "lost"


class Job(models.Model):
    """A durable unit of background work: the row is the truth, the broker only carries its id.

    `deliveries` counts starts since the last reported end (five without one park the job as poison);
    `attempts` counts reported failures. `args` holds ids and slugs only.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="+")
    integration = models.ForeignKey(
        "integrations.Integration", null=True, blank=True, on_delete=models.SET_NULL, related_name="jobs"
    )
    run = models.ForeignKey(
        "synclogs.SyncLog", null=True, blank=True, on_delete=models.SET_NULL, related_name="jobs"
    )
    queue = models.CharField(max_length=20, choices=JobQueue.choices)
    name = models.CharField(max_length=100, help_text="The registered name of the job's class.")
    provider = models.CharField(max_length=40, blank=True, default="")
    job_type = models.CharField(max_length=60, blank=True, default="")
    unique_key = models.CharField(max_length=200)
    args = models.JSONField(default=dict, blank=True)
    status = models.CharField(max_length=20, choices=JobStatus.choices, default=JobStatus.QUEUED)
    result = models.CharField(max_length=20, blank=True, default="")
    attempts = models.PositiveIntegerField(default=0)
    deliveries = models.PositiveIntegerField(default=0)
    postponed_s = models.FloatField(default=0)
    wait_reason = models.CharField(max_length=200, blank=True, default="")
    run_at = models.DateTimeField(default=timezone.now)
    lease_until = models.DateTimeField(null=True, blank=True)
    lease_token = models.CharField(max_length=32, blank=True, default="", editable=False)
    owner = models.CharField(max_length=120, blank=True, default="")
    enqueued_at = models.DateTimeField(null=True, blank=True)
    cancel_requested_at = models.DateTimeField(null=True, blank=True)
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    duration_ms = models.PositiveBigIntegerField(null=True, blank=True)
    error_code = models.CharField(max_length=60, blank=True, default="")
    error_message = models.TextField(blank=True, default="")
    retry_of = models.ForeignKey(
        "self", null=True, blank=True, on_delete=models.SET_NULL, related_name="retries"
    )
    schedule_slot = models.CharField(max_length=150, null=True, blank=True, unique=True)
    created_at = models.DateTimeField(auto_now_add=True)

    objects: ClassVar[Manager[Job]] = AccountScopedManager()

    class Meta:
        db_table = "jobs"
        ordering = ("-created_at",)
        constraints = (
            models.UniqueConstraint(
                fields=("unique_key",),
                condition=models.Q(status__in=("queued", "running", "retry_wait")),
                name="job_open_unique_key",
            ),
        )
        indexes = (
            models.Index(fields=("status", "run_at"), name="job_status_run_at"),
            models.Index(fields=("queue", "status"), name="job_queue_status"),
            models.Index(fields=("integration", "created_at"), name="job_integration_created"),
            models.Index(fields=("-created_at",), name="job_created"),
            models.Index(fields=("name", "queue", "status", "run_at"), name="job_name_queue_status"),
        )

    def __str__(self) -> str:
        return f"{self.name} {str(self.pk)[:8]}"

    @property
    def is_open(self) -> bool:
        """Whether the job has not reached an end."""
        return self.status in OPEN_JOB_STATUSES


class JobAttempt(models.Model):
    """One start of a job: who ran it, how it ended, which rule decided what came next."""

    job = models.ForeignKey(Job, on_delete=models.CASCADE, related_name="tries")
    number = models.PositiveIntegerField()
    outcome = models.CharField(max_length=20, choices=AttemptOutcome.choices, default=AttemptOutcome.RUNNING)
    rule = models.CharField(max_length=60, blank=True, default="")
    wait_s = models.FloatField(null=True, blank=True)
    wait_reason = models.CharField(max_length=200, blank=True, default="")
    error_class = models.CharField(max_length=100, blank=True, default="")
    error_code = models.CharField(max_length=60, blank=True, default="")
    error_message = models.TextField(blank=True, default="")
    traceback = models.TextField(blank=True, default="")
    actionable_message = models.TextField(blank=True, default="")
    host = models.CharField(max_length=100, blank=True, default="")
    pid = models.PositiveIntegerField(null=True, blank=True)
    worker = models.CharField(max_length=120, blank=True, default="")
    django_q_task_id = models.CharField(max_length=32, blank=True, default="")
    started_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True, blank=True)
    max_rss_kb = models.PositiveBigIntegerField(null=True, blank=True)
    cpu_seconds = models.FloatField(null=True, blank=True)

    class Meta:
        db_table = "job_attempts"
        ordering = ("job", "number")
        verbose_name = "attempt"
        constraints = (models.UniqueConstraint(fields=("job", "number"), name="job_attempt_number"),)

    def __str__(self) -> str:
        return f"attempt {self.number}: {self.outcome}"
