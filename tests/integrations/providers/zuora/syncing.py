"""Short ways to sync a customer in tests, and to look at what came of it."""

from __future__ import annotations

from django.utils import timezone

from integrations.jobs.runner import run_job
from integrations.providers.zuora import services
from integrations.providers.zuora.models import ZuoraCustomer
from synclogs.models import Job, SyncLog


def sync(customer: ZuoraCustomer, *, force: bool = True) -> Job:
    """Do a sync as a worker would, now; returns the job as it stands afterwards."""
    job = services.queue_sync(customer, force=force)
    return work_off(job)


def work_off(job: Job) -> Job:
    """Start a job whatever moment it waits for."""
    Job.objects.filter(pk=job.pk).update(run_at=timezone.now())
    run_job(str(job.pk))
    job.refresh_from_db()
    return job


def run_of(job: Job) -> SyncLog:
    """The run of a job."""
    return SyncLog.objects.get(job=job)


def counts_of(job: Job) -> dict[str, int]:
    """What a run counted, without zeros."""
    return {name: value for name, value in run_of(job).counts.as_dict().items() if value}
