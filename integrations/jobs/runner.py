"""Running a claimed job in this process: what django-q2 calls in a worker, and what commands call."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import replace
from uuid import UUID

from django.db import Error as DatabaseError
from django.db import InterfaceError, OperationalError, connection

from integrations.jobs import hooks, stopping
from integrations.jobs.base import BaseJob
from integrations.jobs.claim import Claim, claim
from integrations.jobs.delivery import hand_back
from integrations.jobs.lease import LeaseKeeper
from integrations.jobs.outcomes import Decision, JobCancelled, Next
from integrations.jobs.qcluster import ReplaceWorker, TimeoutException, current_task_id, time_limit
from integrations.jobs.registry import UnknownJob, job_class
from integrations.jobs.release import release
from integrations.jobs.settle import settle

logger = logging.getLogger("syncplatform.jobs")

SETTLE_PAUSES = (0.2, 0.5, 1.0, 2.0, 4.0)


def run_job(job_id: str) -> str:
    """Claim and run one job. Returns what became of it; "not claimed" for a second delivery.

    Called by django-q2 with an id and nothing else. A failure is recorded on the Job and returned, not
    raised; only a timeout goes on to django-q2, which then replaces the worker. A cluster that stops starts
    nothing: it hands the delivery back.
    """
    held = None if stopping.is_requested() else claim(job_id, task_id=current_task_id())
    if held is None:
        hand_back(job_id)
        return "not claimed"
    with LeaseKeeper(held) as keeper:
        return execute(held, keeper).next


def run_here(job_id: UUID | str) -> Decision | None:
    """Claim and run one job in this process, whatever process it is; None when it is not to be had."""
    held = claim(job_id, foreground=True)
    if held is None:
        return None
    with LeaseKeeper(held) as keeper:
        return execute(held, keeper)


End = Callable[[Claim, "BaseJob | None", Decision], Decision]


def execute(held: Claim, keeper: LeaseKeeper, write_end: End | None = None) -> Decision:
    """Run a claimed job to the end of this try and write that end, with `write_end` in place of `end`.

    In a worker it raises TimeoutException after recording it. KeyboardInterrupt and SystemExit are raised
    again: after the job was cancelled, or put back with its start counted.
    """
    write_end = write_end or end
    hooks.try_started(held.job)
    try:
        work = job_class(held.job.name)(held, keeper)
    except UnknownJob as error:
        return write_end(held, None, _unknown(error))
    fatal: BaseException | None = None
    try:
        decision = _attempt(held, work)
    except TimeoutException as error:
        connection.close()
        decision = _decide(work, error)
        fatal = None if held.foreground else error
    except KeyboardInterrupt as error:
        decision = Decision(Next.CANCEL, "interrupted", error=error, code="interrupted")
        fatal = error
    except SystemExit:
        release(held)
        raise
    if decision.wait_s is not None and keeper.is_cancelled(held.job.pk):
        decision = _decide(work, JobCancelled())
    decision = write_end(held, work, decision)
    if fatal is not None:
        raise fatal
    return decision


def _attempt(held: Claim, work: BaseJob) -> Decision:
    try:
        if not held.job.account.is_active:
            raise JobCancelled("its account is not active", rule="account inactive", code="account_inactive")
        work.check()
        work.validate_job_data(work.args)
        with time_limit(work.timeout):
            result = work.execute_job(work.args)
        return Decision(Next.SUCCEED, "done", result=result or "")
    except Exception as error:
        return _decide(work, error)


def _decide(work: BaseJob, error: BaseException) -> Decision:
    decision = work.decide(error)
    if decision.next is Next.RETRY and not work.should_retry_job(error, work.args):
        return replace(decision, next=Next.FAIL, rule=f"{decision.rule}, the job says no", wait_s=None)
    return decision


def _unknown(error: UnknownJob) -> Decision:
    return Decision(
        Next.FAIL,
        "unknown job class",
        error=error,
        code="unknown_job",
        actionable_message="Deploy the release that has this class, then retry the job.",
    )


def end(held: Claim, work: BaseJob | None, decision: Decision) -> Decision:
    """Write the end of a try and return what it became.

    A claim that lapsed writes nothing. A hook that fails turns success into what its error says, and any
    other end into a failure without hooks. A database that is away is waited for; when it stays away, the
    worker is replaced so that the job is known to be nobody's.
    """
    pauses = list(SETTLE_PAUSES)
    while decision.next is not Next.LOST:
        try:
            settle(held, work, decision)
            return decision
        except (OperationalError, InterfaceError) as error:
            connection.close()
            if pauses:
                logger.warning("the end of job %s is not written, trying again: %s", held.job.pk, error)
                time.sleep(pauses.pop(0))
                continue
            if work is None:
                raise _gave_up(held, error) from error
            work, decision = _instead(work, decision, error)
            pauses = list(SETTLE_PAUSES[:1])
        except Exception as error:
            if work is None:
                raise
            work, decision = _instead(work, decision, error)
    logger.warning("job %s %s: %s; another process goes on", held.job.name, held.job.pk, decision.message)
    return decision


def _instead(work: BaseJob, decision: Decision, error: Exception) -> tuple[BaseJob | None, Decision]:
    """What to write in place of an end that could not be written."""
    instead = _decide(work, error)
    if decision.next is Next.SUCCEED or instead.next is Next.LOST:
        return work, instead
    return None, Decision(Next.FAIL, "the end hook failed", error=error, code=instead.code or "error")


def _gave_up(held: Claim, error: DatabaseError) -> BaseException:
    if held.foreground:
        return error
    return ReplaceWorker(f"the end of job {held.job.pk} could not be written: {error}")
