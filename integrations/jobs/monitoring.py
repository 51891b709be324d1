"""The queue in numbers and lists, for the command `queue` and whoever else shows it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count, Min, OuterRef, Q, QuerySet, Subquery
from django.utils import timezone

from integrations.jobs.qcluster import ALL_QUEUES
from integrations.jobs.workers import live_workers
from synclogs.models import WAITING_JOB_STATUSES, Job, JobAttempt, JobQueue, JobStatus

MEASURED = timedelta(hours=1)
FAILED_WITHIN = timedelta(hours=24)
MOST_DURATIONS = 20_000


@dataclass(frozen=True, slots=True)
class QueueNumbers:
    """One queue. Ages and durations are in seconds; None where there is nothing to measure.

    `pending` waits and is due, `delayed` waits for its time (retries apart). `failed` are dead letters:
    failed jobs that nobody has retried yet. Throughput and durations are those of the last hour.
    """

    queue: str
    pending: int
    delayed: int
    running: int
    retry_wait: int
    failed: int
    failed_24h: int
    oldest_pending_s: float | None
    throughput_per_hour: int
    mean_duration_s: float | None
    p95_duration_s: float | None
    workers: int

    def as_dict(self) -> dict[str, Any]:
        """The numbers for machines."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Limits:
    """Beyond these a queue needs somebody: jobs due, seconds that the oldest waits, failures in a day."""

    pending: int = 50
    oldest_pending_s: float = 300
    failed_24h: int = 10

    def breaches(self, numbers: QueueNumbers) -> list[str]:
        """What is wrong with a queue, in words."""
        found = []
        if numbers.pending > self.pending:
            found.append(f"{numbers.queue}: {numbers.pending} jobs are due (limit {self.pending})")
        if (numbers.oldest_pending_s or 0) > self.oldest_pending_s:
            waits = f"the oldest due job waits for {numbers.oldest_pending_s:.0f} s"
            found.append(f"{numbers.queue}: {waits} (limit {self.oldest_pending_s:.0f} s)")
        if numbers.failed_24h > self.failed_24h:
            found.append(
                f"{numbers.queue}: {numbers.failed_24h} jobs failed in a day (limit {self.failed_24h})"
            )
        if numbers.pending and not numbers.workers:
            found.append(f"{numbers.queue}: {numbers.pending} jobs are due and no workers live")
        return found


def dead_letters(jobs: QuerySet[Job] | None = None) -> QuerySet[Job]:
    """Failed jobs that nobody has retried, newest first."""
    found = Job.objects.all() if jobs is None else jobs
    return found.filter(status=JobStatus.FAILED, retries__isnull=True).order_by("-finished_at")


def queue_numbers(queues: Sequence[str] = (), jobs: QuerySet[Job] | None = None) -> list[QueueNumbers]:
    """The numbers of these queues (all when empty), in order of priority; always three queries."""
    jobs = (Job.objects.all() if jobs is None else jobs).order_by()
    names = [queue for queue in JobQueue.values if not queues or queue in queues]
    now = timezone.now()
    due = Q(status=JobStatus.QUEUED, run_at__lte=now)
    failed = Q(status=JobStatus.FAILED, retries__isnull=True)
    rows = jobs.filter(~Q(status__in=(JobStatus.SUCCEEDED, JobStatus.CANCELLED)), queue__in=names)
    counted = rows.values("queue").annotate(
        pending=Count("pk", filter=due, distinct=True),
        delayed=Count("pk", filter=Q(status=JobStatus.QUEUED, run_at__gt=now), distinct=True),
        running=Count("pk", filter=Q(status=JobStatus.RUNNING), distinct=True),
        retry_wait=Count("pk", filter=Q(status=JobStatus.RETRY_WAIT), distinct=True),
        failed=Count("pk", filter=failed, distinct=True),
        failed_24h=Count("pk", filter=failed & Q(finished_at__gte=now - FAILED_WITHIN), distinct=True),
        oldest=Min("run_at", filter=due),
    )
    counts: dict[str, dict[str, Any]] = {row["queue"]: {**row} for row in counted}
    durations = _durations(jobs.filter(queue__in=names, finished_at__gte=now - MEASURED))
    workers = live_workers()
    return [_numbers(name, counts.get(name, {}), durations.get(name, []), workers, now) for name in names]


def _durations(ended: QuerySet[Job]) -> dict[str, list[int]]:
    """Milliseconds by queue, sorted; of the newest when there are very many."""
    found: dict[str, list[int]] = {}
    newest = ended.filter(duration_ms__isnull=False).order_by("-finished_at")
    for queue, duration in newest.values_list("queue", "duration_ms")[:MOST_DURATIONS]:
        found.setdefault(queue, []).append(duration or 0)
    return {queue: sorted(values) for queue, values in found.items()}


def _numbers(
    name: str, counts: dict[str, Any], durations: list[int], workers: dict[str, int], now: datetime
) -> QueueNumbers:
    oldest = counts.get("oldest")
    return QueueNumbers(
        queue=name,
        **{key: counts.get(key, 0) for key in ("pending", "delayed", "running", "retry_wait")},
        failed=counts.get("failed", 0),
        failed_24h=counts.get("failed_24h", 0),
        oldest_pending_s=round((now - oldest).total_seconds(), 1) if oldest else None,
        throughput_per_hour=len(durations),
        mean_duration_s=round(sum(durations) / len(durations) / 1000, 3) if durations else None,
        p95_duration_s=round(durations[min(len(durations) - 1, int(len(durations) * 0.95))] / 1000, 3)
        if durations
        else None,
        workers=workers.get(name, 0) + workers.get(ALL_QUEUES, 0),
    )


def list_jobs(jobs: QuerySet[Job], limit: int) -> list[dict[str, Any]]:
    """Jobs as lines for people and machines, with what to do about each; always one query."""
    hints = JobAttempt.objects.filter(job=OuterRef("pk")).order_by("-number").values("actionable_message")
    found = jobs.select_related("integration").annotate(hint=Subquery(hints[:1]))[:limit]
    return [
        {
            "id": str(job.pk),
            "name": job.name,
            "queue": job.queue,
            "status": job.status,
            "integration": job.integration.name if job.integration else None,
            "attempts": job.attempts,
            "deliveries": job.deliveries,
            "run_at": job.run_at,
            "started_at": job.started_at,
            "finished_at": job.finished_at,
            "owner": job.owner if job.status == JobStatus.RUNNING else "",
            "wait_reason": job.wait_reason if job.status in WAITING_JOB_STATUSES else "",
            "error_code": job.error_code,
            "error_message": job.error_message,
            "hint": job.hint or "",
        }
        for job in found
    ]
