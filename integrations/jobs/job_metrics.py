"""What tries at jobs say to StatsD: docs/operations.md, "Metrics"."""

from __future__ import annotations

from integrations.jobs.outcomes import Decision, Next
from synclogs import metrics
from synclogs.models import Job

STARTED = "started"
NAMES = {
    Next.SUCCEED: "succeeded",
    Next.FAIL: "failed",
    Next.PARK: "failed",
    Next.CANCEL: "cancelled",
    Next.RETRY: "retried",
    Next.POSTPONE: "throttled",
}


def log_job_metrics(job: Job, status: str, duration_ms: int | None = None) -> None:
    """Count `queue.job.<status>`, and how long the try took in milliseconds where that is known."""
    tags: dict[str, object] = {"command": job.name, "account": job.account_id}
    metrics.count(f"queue.job.{status}", tags=tags)
    if duration_ms is not None:
        metrics.timing("queue.job.duration", duration_ms, tags=tags)


def try_started(job: Job) -> None:
    """Count a start."""
    log_job_metrics(job, STARTED)


def try_ended(job: Job, decision: Decision, duration_ms: int | None) -> None:
    """Count an end by what became of the job."""
    if decision.next in NAMES:
        log_job_metrics(job, NAMES[decision.next], duration_ms)
