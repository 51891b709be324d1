"""Looking for trouble that no error reports: a queue that does not move, jobs that hang."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Count, Min, Q
from django.utils import timezone

from integrations.jobs.registry import UnknownJob, job_class
from synclogs.alerts import Problem, report_problem, report_recovery
from synclogs.models import (
    WAITING_JOB_STATUSES,
    Alert,
    AlertSeverity,
    AlertState,
    Job,
    JobStatus,
)

SOURCE = "queue"
OWN_JOBS = "platform."
DAY = timedelta(days=1)
UNKNOWN_JOB_TIMEOUT = 1800
MAX_STUCK = 50


@dataclass(frozen=True, slots=True)
class Thresholds:
    """From when on the queue is in trouble.

    Pending jobs are due and not started; `oldest_s` and `stuck_s` are seconds; the success rates are shares
    of the jobs that ended in 24 hours, and count from `min_ended` of those on.
    """

    pending: int = 50
    oldest_s: float = 300.0
    failed: int = 10
    warning_rate: float = 0.95
    critical_rate: float = 0.90
    min_ended: int = 20
    stuck_s: float = 1800.0


@dataclass(frozen=True, slots=True)
class QueueHealth:
    """The figures that the rules look at; `oldest_s` is in seconds."""

    pending: int
    oldest_s: float
    succeeded: int
    failed: int

    @property
    def ended(self) -> int:
        """Jobs that ended in 24 hours, well or badly."""
        return self.succeeded + self.failed

    @property
    def success_rate(self) -> float:
        """The share of them that ended well; 1 when there are none."""
        return self.succeeded / self.ended if self.ended else 1.0


def check_queue(thresholds: Thresholds | None = None) -> list[Problem]:
    """Open an alert for each rule that is broken, recover those that are not any more; returns the broken."""
    limits = thresholds or Thresholds()
    now = timezone.now()
    problems = [*queue_problems(queue_health(now), limits), *stuck_jobs(now, limits)]
    for problem in problems:
        report_problem(problem)
    open_now = [problem.fingerprint for problem in problems]
    ours = Alert.objects.filter(source=SOURCE, state=AlertState.OPEN)
    report_recovery(ours.exclude(fingerprint__in=open_now))
    return problems


def queue_health(now: datetime) -> QueueHealth:
    """The figures of this moment. The platform's own housekeeping does not count among what ended."""
    waiting = Q(status__in=WAITING_JOB_STATUSES, run_at__lte=now)
    lately = Q(finished_at__gte=now - DAY) & ~Q(name__startswith=OWN_JOBS)
    figures = Job.objects.filter(waiting | lately).aggregate(
        pending=Count("pk", filter=waiting),
        oldest=Min("run_at", filter=waiting),
        succeeded=Count("pk", filter=lately & Q(status=JobStatus.SUCCEEDED)),
        failed=Count("pk", filter=lately & Q(status=JobStatus.FAILED)),
    )
    oldest = figures.pop("oldest")
    return QueueHealth(oldest_s=(now - oldest).total_seconds() if oldest else 0.0, **figures)


def queue_problems(health: QueueHealth, limits: Thresholds) -> Iterator[Problem]:
    """The rules that these figures break."""
    critical, warning = AlertSeverity.CRITICAL, AlertSeverity.WARNING
    workers = "Check that workers run (`manage.py queue status`) and what the running jobs wait for."
    failures = "Look at the failed jobs; when the cause is gone, retry them."
    if health.pending > limits.pending:
        yield _problem("queue_pending", critical, f"{health.pending} jobs are due and not started", workers)
    if health.oldest_s > limits.oldest_s:
        text = f"the oldest due job has waited {health.oldest_s:.0f} seconds"
        yield _problem("queue_oldest", critical, text, workers)
    if health.failed > limits.failed:
        text = f"{health.failed} jobs failed in the last 24 hours"
        yield _problem("queue_failed", critical, text, failures)
    if health.ended >= limits.min_ended and health.success_rate < limits.warning_rate:
        severity = critical if health.success_rate < limits.critical_rate else warning
        text = f"only {health.success_rate:.0%} of the {health.ended} jobs of the last 24 hours succeeded"
        yield _problem("queue_success_rate", severity, text, failures)


def stuck_jobs(now: datetime, limits: Thresholds) -> Iterator[Problem]:
    """Jobs that have run for longer than their class allows, or than any connection should take."""
    earliest = now - timedelta(seconds=60)
    running = Job.objects.filter(status=JobStatus.RUNNING, started_at__lt=earliest).order_by("started_at")
    found = 0
    for job in running.select_related("integration").iterator():
        if job.started_at is None or found >= MAX_STUCK:
            return
        seconds = (now - job.started_at).total_seconds()
        limit = _timeout(job.name)
        if job.integration_id is not None:
            limit = min(limit, limits.stuck_s)
        if seconds > limit:
            found += 1
            yield _stuck(job, seconds)


def _timeout(name: str) -> float:
    try:
        return job_class(name).timeout
    except UnknownJob:
        return UNKNOWN_JOB_TIMEOUT


def _stuck(job: Job, seconds: float) -> Problem:
    of = f" of {job.integration}" if job.integration is not None else ""
    return Problem(
        rule="stuck",
        severity=AlertSeverity.CRITICAL,
        source=SOURCE,
        message=f"{job.name}{of} has been running for {seconds / 60:.0f} minutes",
        error_code="stuck",
        actionable_message="Look at what it waits for; cancel it, or stop its worker: it goes on elsewhere.",
        account_id=job.account_id,
        integration_id=job.integration_id,
        context={"job": str(job.pk), "run": str(job.run_id) if job.run_id else None, "worker": job.owner},
    )


def _problem(code: str, severity: AlertSeverity, message: str, advice: str) -> Problem:
    return Problem(
        rule="queue",
        severity=severity,
        source=SOURCE,
        message=message,
        error_code=code,
        actionable_message=advice,
    )
