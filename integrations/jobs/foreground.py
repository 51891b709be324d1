"""Running a job in this process: what commands do instead of waiting for a worker."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts.models import Account
from integrations.http.patience import patience
from integrations.jobs import dispatch
from integrations.jobs.base import BaseJob
from integrations.jobs.claim import Claim, claim, lease_end, new_token, open_attempt
from integrations.jobs.lease import LeaseKeeper
from integrations.jobs.outcomes import Decision
from integrations.jobs.process import owner_id
from integrations.jobs.run_job import RunJob
from integrations.jobs.runner import execute
from integrations.models import Integration
from synclogs.models import OPEN_JOB_STATUSES, Job, JobStatus, SyncAlreadyRunning
from synclogs.progress import Reporter


def run_in_foreground(
    cls: type[BaseJob],
    *,
    account: Account,
    integration: Integration | None,
    args: Mapping[str, Any],
    reporter: Reporter,
) -> tuple[Job, Decision]:
    """Run a job here and now, under a lease like any other, and return it with what became of it.

    An open job of the same work is claimed instead of making a second one. Its calls wait in place for a
    vendor's limits, up to the job's timeout, where a worker would postpone the job. Raises
    SyncAlreadyRunning, and leaves no row behind, when a run of the same work is going on.
    """
    held = _claim_new(cls, account, integration, args) or _claim_waiting(cls, integration, args)
    if held is None:
        raise SyncAlreadyRunning(cls.unique_key(integration, args), None)
    held.reporter = reporter
    with LeaseKeeper(held) as keeper, patience(cls.timeout):
        decision = execute(held, keeper)
    held.job.refresh_from_db()
    return held.job, decision


def _claim_new(
    cls: type[BaseJob], account: Account, integration: Integration | None, args: Mapping[str, Any]
) -> Claim | None:
    """Insert the job already claimed, with its run if it has one; None when the same work is open already."""
    job = dispatch.build_job(cls, account, integration, args)
    job.status = JobStatus.RUNNING
    job.lease_token = new_token()
    job.owner = owner_id()
    job.started_at = timezone.now()
    job.deliveries = 1
    if _open_job(job.unique_key) is not None:
        return None
    try:
        with transaction.atomic():
            job.save(force_insert=True)
            Job.objects.filter(pk=job.pk).update(lease_until=lease_end())
            held = Claim(job, job.lease_token, open_attempt(job, job.owner, ""), foreground=True)
            if issubclass(cls, RunJob):
                cls(held, LeaseKeeper(held)).open_run()
    except IntegrityError:
        if _open_job(job.unique_key) is None:
            raise
        return None
    return held


def _claim_waiting(
    cls: type[BaseJob], integration: Integration | None, args: Mapping[str, Any]
) -> Claim | None:
    """Claim the open job of the same work, if it is due and nobody works on it."""
    waiting = _open_job(cls.unique_key(integration, args))
    return claim(waiting.pk, foreground=True) if waiting else None


def _open_job(unique_key: str) -> Job | None:
    return Job.objects.filter(unique_key=unique_key, status__in=OPEN_JOB_STATUSES).first()
