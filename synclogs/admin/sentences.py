"""What happened, and what to do now, in one sentence."""

from __future__ import annotations

from django.utils import timezone

from synclogs.admin.words import absolute, ago, clock, counted, duration, humanized
from synclogs.models import AttemptOutcome, Job, JobAttempt, JobStatus, SyncLog, SyncPhase, SyncStatus

RETRY_HINT = "Remove the cause, then press Retry."


def run_scope(run: SyncLog) -> str:
    """The statuses or the part that a run is limited to; empty when it is not."""
    limit = run.context.get("statuses") or run.context.get("api_status_filter") or run.scope
    return ", ".join(map(str, limit)) if isinstance(limit, list) else str(limit)


def run_title(run: SyncLog) -> str:
    """What a run syncs: its type and what it is limited to."""
    scope = run_scope(run)
    return f"{humanized(run.sync_type)}: {scope}" if scope else humanized(run.sync_type)


def run_seconds(run: SyncLog) -> float:
    """How long a run took, or has been going on."""
    if run.duration_seconds is not None:
        return run.duration_seconds
    return (timezone.now() - run.started_at).total_seconds()


def run_progress(run: SyncLog) -> float | None:
    """Percent of the expected records that are processed; None when it is not known how many to expect."""
    if not run.records_expected:
        return None
    return min(100.0, 100 * run.records_processed / run.records_expected)


def run_sentence(run: SyncLog) -> str:
    """What happened in a run, or happens now."""
    took = duration(run_seconds(run))
    counts = run.counts
    if run.is_open:
        return _running(run, took)
    if run.sync_status == SyncStatus.FAILED:
        kept = f"; {counted(counts.taken, 'record')} taken before that are kept" if counts.taken else ""
        return f"Failed after {took}{kept}."
    if run.sync_status == SyncStatus.CANCELLED:
        return f"Cancelled after {took}; {counted(counts.taken, 'record')} taken before that are kept."
    if not counts.processed:
        return f"Done in {took}: no records came back."
    if run.sync_status == SyncStatus.WARNING and counts.failed:
        of = counted(counts.processed, "record")
        return f"Done in {took}, but {counts.failed:,} of {of} could not be taken."
    if counts.unchanged == counts.processed:
        return f"Done in {took}: nothing had changed in {counted(counts.processed, 'record')}."
    changes = [f"{n:,} {word}" for n, word in ((counts.created, "new"), (counts.updated, "changed")) if n]
    changed = " and ".join(changes) or "none changed"
    return f"Done in {took}: {counted(counts.processed, 'record')}, {changed}."


def _running(run: SyncLog, took: str) -> str:
    job = run.job
    if (
        run.phase == SyncPhase.REQUESTED
        and job is not None
        and job.wait_reason
        and job.run_at > timezone.now()
    ):
        return f"Waits until {clock(job.run_at)}: {job.wait_reason}."
    doing = run.get_phase_display() if run.phase else "working"
    expected = f" of {counted(run.records_expected, 'record')}" if run.records_expected else " records"
    return f"Running for {took}, {doing}: {run.records_processed:,}{expected} so far."


def job_advice(job: Job, *, last: JobAttempt | None = None, retried_as: Job | None = None) -> str:
    """What an operator can do about a job now. `last` is its newest attempt, `retried_as` its retry."""
    if job.status == JobStatus.SUCCEEDED:
        return "Done. There is nothing to do."
    if job.status == JobStatus.RUNNING:
        return _running_advice(job)
    if job.is_open:
        return _waiting_advice(job)
    if retried_as is not None:
        return f"It was queued again as {retried_as}, which is {retried_as.get_status_display()}: look there."
    if job.status == JobStatus.CANCELLED:
        return "Somebody cancelled it. Retry queues the same work again."
    action = last.actionable_message if last is not None else ""
    return f"{action} {RETRY_HINT}" if action else RETRY_HINT


def _running_advice(job: Job) -> str:
    if job.cancel_requested_at is not None:
        return f"Cancellation was asked for {ago(job.cancel_requested_at)}; it stops at its next batch."
    if job.lease_until is not None and job.lease_until < timezone.now():
        return (
            f"Its worker has not been heard of since {absolute(job.lease_until)}. Another worker takes it up "
            "by itself; if none does, check that workers run (`manage.py run_workers`)."
        )
    return f"A worker ({job.owner or 'unknown'}) is on it. Cancel stops it at its next batch."


def _waiting_advice(job: Job) -> str:
    if job.run_at > timezone.now():
        because = f" because: {job.wait_reason}" if job.wait_reason else ""
        return f"It starts by itself at {clock(job.run_at)}{because}. Cancel it if it should not."
    return (
        f"It is due and waits for a free worker of the queue {job.get_queue_display()}. If that takes long, "
        "check that workers run (`manage.py run_workers`)."
    )


def attempt_sentence(attempt: JobAttempt) -> str:
    """How one try ended and what was decided then."""
    if attempt.outcome == AttemptOutcome.RUNNING:
        return f"Running for {duration((timezone.now() - attempt.started_at).total_seconds())}."
    took = ""
    if attempt.finished_at is not None:
        took = f" after {duration((attempt.finished_at - attempt.started_at).total_seconds())}"
    text = f"{attempt.get_outcome_display().capitalize()}{took}"
    if attempt.rule:
        text += f" ({attempt.rule})"
    if attempt.wait_s is not None:
        text += f"; then waited {duration(attempt.wait_s)}"
        text += f": {attempt.wait_reason}" if attempt.wait_reason else ""
    return f"{text}."
