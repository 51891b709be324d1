"""The rules that say what becomes of a job after an error: docs/jobs.md, "What happens after an error"."""

from __future__ import annotations

from collections.abc import Sequence

from django.conf import settings
from django.db import DatabaseError, InterfaceError, OperationalError
from django.utils import timezone

from integrations.http.errors import Action, BudgetSpent, IntegrationError
from integrations.jobs.outcomes import Decision, JobCancelled, JobFailed, LeaseLost, Next, Postpone
from integrations.jobs.qcluster import TimeoutException
from synclogs.models import RunFenced, SyncAlreadyRunning

LOCK_WAIT_SECONDS = 60.0
DEFAULT_POSTPONE_SECONDS = 60.0
MAX_POSTPONE_SECONDS = 3600.0


def decide(
    error: BaseException,
    *,
    attempts: int,
    backoff: Sequence[float],
    postponed_s: float = 0.0,
    postpone_cap_s: float | None = None,
) -> Decision:
    """What to do after `error`.

    `attempts` is the number of failures before this one, `backoff` the class's waits in seconds,
    `postponed_s` how long the job has waited already, `postpone_cap_s` how long it may (None: the setting).
    """
    cap = settings.JOB_POSTPONE_CAP_HOURS * 3600 if postpone_cap_s is None else postpone_cap_s
    if isinstance(error, LeaseLost | RunFenced):
        return Decision(Next.LOST, "lease lapsed", error=error, code="lease_lost")
    if isinstance(error, Postpone):
        wait = max(0.0, (error.until - timezone.now()).total_seconds())
        return _postpone(error, wait, "postponed by the job", error.reason, postponed_s, cap)
    if isinstance(error, SyncAlreadyRunning):
        reason = "another run of the same work is going on"
        return _postpone(error, LOCK_WAIT_SECONDS, "lock held", reason, postponed_s, cap)
    if isinstance(error, JobCancelled):
        return Decision(Next.CANCEL, error.rule, error=error, code=error.code)
    if isinstance(error, IntegrationError) and error.action == Action.POSTPONE:
        wait = error.retry_after if error.retry_after is not None else DEFAULT_POSTPONE_SECONDS
        wait = min(wait, MAX_POSTPONE_SECONDS)
        rule = "call budget spent" if isinstance(error, BudgetSpent) else "vendor says wait"
        return _postpone(error, wait, rule, str(error), postponed_s, cap)
    return _after_failure(error, attempts, backoff)


def _after_failure(error: BaseException, attempts: int, backoff: Sequence[float]) -> Decision:
    if isinstance(error, IntegrationError):
        if error.action == Action.RETRY:
            return _retry(
                error, "retryable vendor error", attempts, backoff, error.code, error.actionable_message
            )
        return _fail(error, "not retryable", error.code, error.actionable_message)
    if isinstance(error, JobFailed):
        return _fail(error, "the job reported a failure", error.code, error.actionable_message)
    if isinstance(error, TimeoutException):
        action = "The job took longer than its class allows."
        return _retry(error, "timeout", attempts, backoff, "timeout", action)
    if isinstance(error, OperationalError | InterfaceError):
        action = "The database refused or dropped the work; check its health."
        return _retry(error, "database error", attempts, backoff, "database", action)
    if isinstance(error, DatabaseError):
        return _fail(error, "database refused the data", "database", "Read the traceback of the attempt.")
    action = "This is a defect: read the traceback of the attempt and report it."
    return _fail(error, "unexpected error", "error", action)


def _postpone(
    error: BaseException, wait: float, rule: str, reason: str, postponed_s: float, cap_s: float
) -> Decision:
    if postponed_s + wait > cap_s:
        return _fail(
            error,
            "postponed longer than allowed",
            "postponed_too_long",
            f"The job waited {postponed_s / 3600:.0f} h for: {reason}. Remove the cause, then retry it.",
        )
    return Decision(Next.POSTPONE, rule, reason=reason[:200], wait_s=wait, error=error)


def _retry(
    error: BaseException,
    rule: str,
    attempts: int,
    backoff: Sequence[float],
    code: str,
    actionable_message: str,
) -> Decision:
    if attempts >= len(backoff):
        spent = "attempts used up" if backoff else "this job is not retried"
        return _fail(error, f"{rule}, {spent}", code, actionable_message)
    wait = backoff[attempts]
    reason = f"retry {attempts + 1} of {len(backoff)} after {wait:g} s"
    return Decision(
        Next.RETRY,
        rule,
        reason=reason,
        wait_s=wait,
        error=error,
        code=code,
        actionable_message=actionable_message,
    )


def _fail(error: BaseException, rule: str, code: str, actionable_message: str) -> Decision:
    return Decision(Next.FAIL, rule, error=error, code=code, actionable_message=actionable_message)
