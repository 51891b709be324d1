"""Which rows are past their retention, table by table, and which stay however old they are."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone
from django_q.models import Task

from integrations.models import AccessToken, DeliveryStatus, OAuthAuthorization, RawPayload, WebhookDelivery
from synclogs.models import (
    OPEN_JOB_STATUSES,
    Alert,
    AlertState,
    CommandExecution,
    Job,
    JobStatus,
    LiveEvent,
    SyncLog,
    SyncStatus,
)


@dataclass(frozen=True, slots=True)
class Rule:
    """One kind of row: its name, the setting with its days, and what is past at a moment.

    `batch` rows are deleted in one transaction, with all that hangs on them.
    """

    name: str
    setting: str
    past: Callable[[datetime], QuerySet[Any]]
    batch: int = 500

    def rows(self, now: datetime) -> QuerySet[Any]:
        """The rows that may go."""
        days: float = getattr(settings, self.setting)
        return self.past(now - timedelta(days=days))


def _jobs(before: datetime) -> QuerySet[Job]:
    """A retry stays as long as the failed job it mended, else that one would look as if nobody had cared."""
    done = Job.objects.filter(
        status__in=(JobStatus.SUCCEEDED, JobStatus.CANCELLED), finished_at__lt=before, retry_of__isnull=True
    )
    return _unneeded_jobs(done)


def _failed_jobs(before: datetime) -> QuerySet[Job]:
    ended = (JobStatus.FAILED, JobStatus.SUCCEEDED, JobStatus.CANCELLED)
    old = Job.objects.filter(status__in=ended, finished_at__lt=before)
    return _unneeded_jobs(old)


def _unneeded_jobs(jobs: QuerySet[Job]) -> QuerySet[Job]:
    """Without those of a run that goes on, or that an open alert points to."""
    open_runs = SyncLog.objects.filter(
        Q(pk=OuterRef("run_id")) | Q(job_id=OuterRef("pk")), sync_status=SyncStatus.STARTED
    ).order_by()
    return jobs.exclude(Exists(open_runs)).exclude(Exists(_open_alerts(job=OuterRef("pk"))))


def _runs(before: datetime) -> QuerySet[SyncLog]:
    open_jobs = Job.objects.filter(
        Q(run_id=OuterRef("pk")) | Q(pk=OuterRef("job_id")), status__in=OPEN_JOB_STATUSES
    ).order_by()
    ended = SyncLog.objects.filter(completed_at__lt=before).exclude(sync_status=SyncStatus.STARTED)
    return ended.exclude(Exists(open_jobs)).exclude(Exists(_open_alerts(run=OuterRef("pk"))))


def _open_alerts(**which: Any) -> QuerySet[Alert]:
    return Alert.objects.filter(state=AlertState.OPEN, **which).order_by()


def _queue_results(before: datetime) -> QuerySet[Task]:
    results: QuerySet[Task] = Task.objects.filter(stopped__lt=before)
    return results


def _webhooks(before: datetime) -> QuerySet[WebhookDelivery]:
    """What waits or has failed stays, and so does what chunks that are kept came from."""
    done = WebhookDelivery.objects.filter(
        status__in=(DeliveryStatus.PROCESSED, DeliveryStatus.IGNORED), received_at__lt=before
    )
    return done.exclude(Exists(RawPayload.objects.filter(delivery=OuterRef("pk")).order_by()))


def _refused_webhooks(before: datetime) -> QuerySet[WebhookDelivery]:
    return WebhookDelivery.objects.filter(status=DeliveryStatus.REJECTED, received_at__lt=before)


def _raw_payloads(before: datetime) -> QuerySet[RawPayload]:
    """Processed ones: `expires_at` was set with the days of that time, and whichever is longer holds."""
    return RawPayload.objects.filter(processed_at__lt=before, expires_at__lt=timezone.now())


def _ended_tokens(before: datetime) -> QuerySet[AccessToken]:
    """Tokens of clients that nobody has asked for since."""
    return AccessToken.objects.filter(expires_at__lt=before, updated_at__lt=before)


RULES = (
    Rule(
        "authorizations",
        "RETENTION_AUTHORIZATIONS_DAYS",
        lambda t: OAuthAuthorization.objects.filter(expires_at__lt=t),
    ),
    Rule("access_tokens", "RETENTION_AUTHORIZATIONS_DAYS", _ended_tokens),
    Rule("live_events", "RETENTION_LIVE_EVENTS_DAYS", lambda t: LiveEvent.objects.filter(created_at__lt=t)),
    Rule("raw_payloads", "RETENTION_RAW_PAYLOADS_DAYS", _raw_payloads, batch=100),
    Rule("queue_results", "RETENTION_QUEUE_RESULTS_DAYS", _queue_results),
    Rule(
        "alerts",
        "RETENTION_ALERTS_DAYS",
        lambda t: Alert.objects.filter(state=AlertState.RECOVERED, recovered_at__lt=t),
    ),
    Rule(
        "commands",
        "RETENTION_COMMANDS_DAYS",
        lambda t: CommandExecution.objects.filter(started_at__lt=t).exclude(
            run__isnull=False, run__sync_status=SyncStatus.STARTED
        ),
    ),
    Rule("webhooks", "RETENTION_WEBHOOKS_DAYS", _webhooks, batch=50),
    Rule("refused_webhooks", "RETENTION_REFUSED_WEBHOOKS_DAYS", _refused_webhooks),
    Rule("jobs", "RETENTION_JOBS_DAYS", _jobs),
    Rule("failed_jobs", "RETENTION_FAILED_JOBS_DAYS", _failed_jobs),
    Rule("runs", "RETENTION_RUNS_DAYS", _runs, batch=25),
)
