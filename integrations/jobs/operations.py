"""What operators do to jobs and runs: views, commands and admin actions all call these."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from accounts.models import User
from integrations.jobs.ending import end_unclaimed
from integrations.jobs.outcomes import Decision, JobCancelled, Next
from integrations.jobs.registry import UnknownJob, job_class
from synclogs.models import (
    OPEN_JOB_STATUSES,
    WAITING_JOB_STATUSES,
    Job,
    JobQueue,
    JobStatus,
    SyncLog,
    SyncTrigger,
)

CLEARED_AT_ONCE = 500


class NotPossible(Exception):
    """The operation makes no sense for this job or run; the message says why."""


def retry_job(job: Job, user: User | None = None) -> Job:
    """Queue a failed or cancelled job again as a new one that points back to it.

    Raises NotPossible for a job that is open or has succeeded, and UnknownJob for a class that is gone.
    """
    if job.status not in (JobStatus.FAILED, JobStatus.CANCELLED):
        raise NotPossible(
            f"job {job} is {job.get_status_display()}; only failed and cancelled jobs are retried."
        )
    return job_class(job.name).dispatch(
        account=job.account,
        integration=job.integration,
        args=job.args | {"trigger": SyncTrigger.RETRY.value},
        queue=JobQueue.HIGH_PRIORITY,
        retry_of=job,
        triggered_by=user,
    )


def retry_run(run: SyncLog, user: User | None = None) -> Job:
    """Do a run again with the same options, whatever its end was.

    Raises NotPossible for a run that still goes on or whose job is not known any more.
    """
    if run.is_open:
        raise NotPossible("this run is still going on.")
    if run.job is None:
        raise NotPossible("the job of this run was pruned; start a new sync instead.")
    return job_class(run.job.name).dispatch(
        account=run.account,
        integration=run.integration,
        args=run.job.args | {"trigger": SyncTrigger.RETRY.value},
        queue=JobQueue.HIGH_PRIORITY,
        retry_of=run.job,
        triggered_by=user,
    )


def cancel_job(job: Job) -> bool:
    """Cancel a waiting job and its run now, or ask a running one to stop at its next batch.

    True when it has ended. Raises NotPossible for a job that has ended by itself.
    """
    waiting = Q(status__in=WAITING_JOB_STATUSES)
    error = JobCancelled("cancelled by an operator before it was started")
    if end_unclaimed(job.pk, waiting, Decision(Next.CANCEL, error.rule, error=error, code=error.code)):
        return True
    if Job.objects.filter(pk=job.pk, status__in=OPEN_JOB_STATUSES).update(cancel_requested_at=timezone.now()):
        return False
    job.refresh_from_db()
    raise NotPossible(f"job {job} has ended: {job.get_status_display()}.")


@dataclass(frozen=True, slots=True)
class Retried:
    """What came of retrying many jobs: the new ones, and why others were refused, by job id."""

    jobs: list[Job]
    refused: dict[str, str]


def retry_jobs(jobs: Iterable[Job], user: User | None = None) -> Retried:
    """Retry each of these; one that cannot be does not stop the others."""
    new: list[Job] = []
    refused: dict[str, str] = {}
    for job in jobs:
        try:
            new.append(retry_job(job, user))
        except (NotPossible, UnknownJob) as error:
            refused[str(job.pk)] = str(error)
    return Retried(new, refused)


def clear_jobs(jobs: QuerySet[Job]) -> int:
    """Delete failed or waiting jobs with their attempts, and cancel the runs of waiting ones.

    Returns how many. A job that was started meanwhile is left alone.
    """
    cleared = 0
    for job in jobs.filter(status__in=WAITING_JOB_STATUSES, run__isnull=False).order_by():
        with suppress(NotPossible):
            cleared += cancel_job(job) and bool(Job.objects.filter(pk=job.pk).delete()[0])
    clearable = (JobStatus.FAILED, *WAITING_JOB_STATUSES)
    while True:
        with transaction.atomic():
            rows = (
                jobs.filter(status__in=clearable).order_by().select_for_update(skip_locked=True, of=("self",))
            )
            pks = list(rows.values_list("pk", flat=True)[:CLEARED_AT_ONCE])
            Job.objects.filter(pk__in=pks).delete()
        cleared += len(pks)
        if len(pks) < CLEARED_AT_ONCE:
            return cleared
