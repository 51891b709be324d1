"""Ending a try: the run's end, the job's next state and the attempt's record in one fenced transaction."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone

from integrations.jobs import hooks
from integrations.jobs.base import BaseJob
from integrations.jobs.claim import Claim
from integrations.jobs.outcomes import Decision, LeaseLost, Next
from integrations.jobs.rows import update_row, update_rows
from synclogs.models import AttemptOutcome, Job, JobAttempt, JobStatus, SyncLog
from synclogs.redaction import redact_text

logger = logging.getLogger("syncplatform.jobs")

MAX_MESSAGE = 4000
MAX_TRACEBACK = 20_000

STATUS_AFTER = {
    Next.SUCCEED: JobStatus.SUCCEEDED,
    Next.FAIL: JobStatus.FAILED,
    Next.PARK: JobStatus.FAILED,
    Next.CANCEL: JobStatus.CANCELLED,
    Next.RETRY: JobStatus.RETRY_WAIT,
    Next.POSTPONE: JobStatus.QUEUED,
}

OUTCOME_AFTER = {
    Next.SUCCEED: AttemptOutcome.SUCCEEDED,
    Next.FAIL: AttemptOutcome.FAILED,
    Next.PARK: AttemptOutcome.LOST,
    Next.CANCEL: AttemptOutcome.CANCELLED,
    Next.RETRY: AttemptOutcome.FAILED,
    Next.POSTPONE: AttemptOutcome.POSTPONED,
}


def settle(claim: Claim, work: BaseJob | None, decision: Decision) -> None:
    """Write what became of a try. Raises LeaseLost or RunFenced, and writes nothing, when the claim lapsed.

    `work` is None where the job's own hooks cannot be called: its class is not known here, or they failed.
    """
    with transaction.atomic():
        if claim.run is not None:
            SyncLog.objects.select_for_update().filter(pk=claim.run.pk).first()
        if work is not None:
            _call_hook(work, decision)
        elif claim.run is not None:
            _end_run(claim.run, decision)
        _end_job(claim, decision)
        if claim.attempt is not None:
            changes = _attempt_changes(claim.attempt, decision, timezone.now())
            update_row(JobAttempt, {"id": claim.attempt.pk}, changes)
        _tell_others(claim, decision)
    _log_end(claim.job, decision)
    duration = _milliseconds(claim.attempt.started_at, timezone.now()) if claim.attempt is not None else None
    hooks.try_ended(claim.job, decision, duration)


@dataclass(frozen=True, slots=True)
class Success:
    """A try that went well and is not written yet, of a job without a run."""

    claim: Claim
    attempt: JobAttempt
    work: BaseJob
    decision: Decision
    finished_at: datetime

    @property
    def duration_ms(self) -> int:
        """How long the work took."""
        return _milliseconds(self.attempt.started_at, self.finished_at)


def settle_together(successes: Sequence[Success]) -> None:
    """Write several good ends in one transaction, or none: then the error says why, such as LeaseLost."""
    with transaction.atomic():
        for success in successes:
            success.work.on_succeeded()
        jobs = [
            (_mine(success.claim), _job_changes(success.claim, success.decision, success.finished_at))
            for success in successes
        ]
        if update_rows(Job, jobs) != len(jobs):
            raise LeaseLost("the lease of a job lapsed before its end was written")
        attempts = [
            (
                {"id": success.attempt.pk},
                _attempt_changes(success.attempt, success.decision, success.finished_at),
            )
            for success in successes
        ]
        update_rows(JobAttempt, attempts)
    for success in successes:
        _log_end(success.claim.job, success.decision)
        hooks.try_ended(success.claim.job, success.decision, success.duration_ms)


def _tell_others(claim: Claim, decision: Decision) -> None:
    """Let other rooms write what follows from the end, in its transaction."""
    if decision.next in (Next.FAIL, Next.PARK):
        hooks.job_failed(claim.job, claim.run, decision)
    elif decision.next is Next.SUCCEED and claim.run is not None and not claim.run.is_open:
        hooks.run_ended(claim.job, claim.run)


def _call_hook(work: BaseJob, decision: Decision) -> None:
    if decision.next is Next.SUCCEED:
        work.on_succeeded()
    elif decision.next in (Next.FAIL, Next.PARK):
        work.on_failed(decision)
    elif decision.next is Next.CANCEL:
        work.on_cancelled()
    else:
        work.on_waiting(decision)


def _end_run(run: SyncLog, decision: Decision) -> None:
    """End the run of a job whose hooks cannot do it."""
    if decision.next is Next.CANCEL:
        run.cancel()
    elif decision.next in (Next.FAIL, Next.PARK):
        run.fail(decision.message, code=decision.code)


def _end_job(claim: Claim, decision: Decision) -> None:
    if not update_row(Job, _mine(claim), _job_changes(claim, decision, timezone.now())):
        raise LeaseLost(f"the lease of job {claim.job.pk} lapsed before its end was written")


def _mine(claim: Claim) -> dict[str, Any]:
    return {"id": claim.job.pk, "lease_token": claim.token, "status": JobStatus.RUNNING}


def _job_changes(claim: Claim, decision: Decision, now: datetime) -> dict[str, Any]:
    changes: dict[str, Any] = {
        "status": STATUS_AFTER[decision.next],
        "result": decision.result,
        "lease_until": None,
        "lease_token": "",
        "error_code": decision.code,
        "error_message": _message(decision) if decision.code else "",
    }
    if claim.attempt is not None:
        changes["duration_ms"] = _milliseconds(claim.attempt.started_at, now)
    if decision.wait_s is None:
        changes |= {"finished_at": now}
    else:
        changes |= {
            "run_at": now + timedelta(seconds=decision.wait_s),
            "enqueued_at": None,
            "wait_reason": redact_text(decision.reason)[:200],
        }
    if decision.next is not Next.PARK:
        changes["deliveries"] = 0
    if decision.next in (Next.RETRY, Next.FAIL):
        changes["attempts"] = claim.job.attempts + 1
    if decision.next is Next.POSTPONE:
        changes["postponed_s"] = claim.job.postponed_s + (decision.wait_s or 0)
    return changes


def _attempt_changes(attempt: JobAttempt, decision: Decision, now: datetime) -> dict[str, Any]:
    changes: dict[str, Any] = {
        "outcome": OUTCOME_AFTER[decision.next],
        "rule": decision.rule,
        "wait_s": decision.wait_s,
        "wait_reason": redact_text(decision.reason)[:200],
        "error_code": decision.code,
        "actionable_message": redact_text(decision.actionable_message),
        "started_at": attempt.started_at,
        "finished_at": now,
    }
    if decision.next in (Next.RETRY, Next.FAIL) and decision.error is not None:
        text = "".join(traceback.format_exception(decision.error))
        changes |= {
            "error_class": type(decision.error).__name__,
            "error_message": _message(decision),
            "traceback": redact_text(text)[-MAX_TRACEBACK:],
        }
    return changes


def _milliseconds(since: datetime, until: datetime) -> int:
    return round((until - since).total_seconds() * 1000)


def _message(decision: Decision) -> str:
    return redact_text(decision.message)[:MAX_MESSAGE]


def _log_end(job: Job, decision: Decision) -> None:
    """One line a try, after its end is committed."""
    if decision.next is Next.SUCCEED:
        result = f" ({decision.result})" if decision.result else ""
        logger.info("job %s %s succeeded%s", job.name, job.pk, result)
    elif decision.next in (Next.FAIL, Next.PARK):
        logger.error("job %s %s failed: %s: %s", job.name, job.pk, decision.rule, decision.message)
    elif decision.next is Next.CANCEL:
        logger.warning("job %s %s cancelled: %s", job.name, job.pk, decision.rule)
    else:
        logger.warning(
            "job %s %s waits %.0f s: %s (%s)",
            job.name,
            job.pk,
            decision.wait_s,
            decision.reason,
            decision.rule,
        )
