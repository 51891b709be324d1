"""What tries at jobs say to StatsD: docs/operations.md, "Metrics"."""

from __future__ import annotations

from integrations.jobs.outcomes import Decision, Next
from synclogs import metrics
from synclogs.models import Job

NAMES = {
    Next.SUCCEED: "succeeded",
    Next.FAIL: "failed",
    Next.PARK: "failed",
    Next.CANCEL: "cancelled",
    Next.RETRY: "retried",
    Next.POSTPONE: "throttled",
}


def try_started(job: Job) -> None:
    """Count a start."""
    metrics.count("queue.job.started", tags=_tags(job))


def try_ended(job: Job, decision: Decision, duration_ms: int | None) -> None:
    """Count an end by what became of the job, and how long the try took in milliseconds."""
    if decision.next not in NAMES:
        return
    metrics.count(f"queue.job.{NAMES[decision.next]}", tags=_tags(job))
    if duration_ms is not None:
        metrics.timing("queue.job.duration", duration_ms, tags=_tags(job))


def _tags(job: Job) -> dict[str, object]:
    return {"command": job.name, "account": job.account_id}
