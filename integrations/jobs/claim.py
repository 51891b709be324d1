"""Taking hold of a job: one compare-and-set, a lease, and the run that goes with it."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import models, transaction
from django.db.models import ExpressionWrapper, F, Max, Q
from django.db.models.functions import Now
from django.utils import timezone

from integrations.jobs.process import HOST, owner_id, pid_of
from synclogs.models import (
    WAITING_JOB_STATUSES,
    AttemptOutcome,
    Job,
    JobAttempt,
    JobStatus,
    SyncLog,
    SyncStatus,
)
from synclogs.progress import Reporter, SilentReporter


@dataclass(slots=True)
class Claim:
    """A job that this process holds: nothing is written for it except under `token`.

    `attempt` is None for a job that is only held to be ended. `run` is the run that goes with it, once there
    is one; `adopted` says that a predecessor opened it. `reporter` hears of progress; a foreground command
    passes one that draws a bar.
    """

    job: Job
    token: str
    attempt: JobAttempt | None = None
    run: SyncLog | None = None
    adopted: bool = False
    foreground: bool = False
    reporter: Reporter = field(default_factory=SilentReporter)


def new_token() -> str:
    """A token that no other claim has."""
    return secrets.token_hex(16)


def lease_end() -> models.Expression:
    """The end of a lease that starts now, on the database's clock."""
    lease = timedelta(seconds=settings.JOB_LEASE_SECONDS)
    return ExpressionWrapper(Now() + lease, output_field=models.DateTimeField())


def due() -> Q:
    """Waiting jobs whose time has come."""
    return Q(status__in=WAITING_JOB_STATUSES, run_at__lte=timezone.now())


def lapsed() -> Q:
    """Running jobs whose lease has ended: their process died, hangs, or was stopped."""
    return Q(status=JobStatus.RUNNING, lease_until__lt=Now())


def claimable() -> Q:
    """Jobs that may be started: due, or running under a lease that has lapsed; never a poisonous one."""
    return (due() | lapsed()) & Q(deliveries__lt=settings.JOB_POISON_DELIVERIES)


def claim(job_id: UUID | str, *, task_id: str = "", foreground: bool = False) -> Claim | None:
    """Claim one job for this process, with the open run of a predecessor; None when it is not to be had."""
    owner = owner_id()
    with transaction.atomic():
        held = take(
            job_id,
            claimable(),
            deliveries=F("deliveries") + 1,
            owner=owner,
            started_at=timezone.now(),
            finished_at=None,
            wait_reason="",
        )
        if held is None:
            return None
        held.attempt = open_attempt(held.job, owner, task_id)
        held.foreground = foreground
        return held


def take(job_id: UUID | str, condition: Q, **changes: Any) -> Claim | None:
    """Put a job and its open run under a new token, within the caller's transaction; None when it does not
    meet `condition`.

    The run's row is locked before the job's, as in the end transaction, so the two cannot deadlock.
    """
    token = new_token()
    run = _lock_open_run(job_id)
    taken = Job.objects.filter(condition, pk=job_id).update(
        status=JobStatus.RUNNING, lease_token=token, lease_until=lease_end(), **changes
    )
    if not taken:
        return None
    job = Job.objects.select_related("account", "integration").get(pk=job_id)
    if run is None and job.run_id is not None:
        run = _lock_open_run(job_id)  # opened between the two statements above
    if run is not None:
        SyncLog.objects.filter(pk=run.pk).update(owner_token=token)
        run.owner_token = token
    return Claim(job, token, run=run, adopted=run is not None)


def _lock_open_run(job_id: UUID | str) -> SyncLog | None:
    runs = SyncLog.objects.select_for_update().filter(job_id=job_id, sync_status=SyncStatus.STARTED)
    return runs.order_by().first()


def open_attempt(job: Job, owner: str, task_id: str) -> JobAttempt:
    """Close what a killed predecessor left open and start the next attempt."""
    last = job.tries.aggregate(last=Max("number"))["last"] or 0
    if last:
        close_lost_attempts(Q(job=job))
    attempt = new_attempt(job, last + 1, owner, task_id)
    attempt.save(force_insert=True)
    return attempt


def close_lost_attempts(which: Q) -> None:
    """Say of attempts still open that their process is gone."""
    JobAttempt.objects.filter(which, outcome=AttemptOutcome.RUNNING).update(
        outcome=AttemptOutcome.LOST,
        rule="lease lapsed",
        actionable_message="The process that ran it died or was stopped; the job goes on by itself.",
        finished_at=timezone.now(),
    )


def new_attempt(job: Job, number: int, owner: str, task_id: str) -> JobAttempt:
    """An attempt of this process, not saved."""
    return JobAttempt(
        job=job,
        number=number,
        host=HOST,
        pid=pid_of(owner),
        worker=owner,
        django_q_task_id=task_id,
        started_at=timezone.now(),
    )
