"""From a cause to a Job row, committed with whatever caused it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypedDict

import orjson
from django.db import IntegrityError, transaction
from django.db.models import Q
from django.utils import timezone

from accounts.models import Account, User
from integrations.jobs import delivery
from synclogs.models import OPEN_JOB_STATUSES, Job, JobQueue

if TYPE_CHECKING:
    from integrations.jobs.base import BaseJob
    from integrations.models import Integration


class DispatchOptions(TypedDict, total=False):
    """The keyword arguments of every job class's `dispatch`: see `BaseJob.dispatch`."""

    account: Account | None
    args: Mapping[str, Any] | None
    run_at: datetime | None
    queue: JobQueue | None
    retry_of: Job | None
    triggered_by: User | None
    schedule_slot: str | None


NOT_PART_OF_THE_WORK = ("triggered_by", "trigger")
TRIES = 3


def args_digest(args: Mapping[str, Any]) -> str:
    """A short digest of the options that make up the work; who asked for it is left out."""
    work = {key: value for key, value in args.items() if key not in NOT_PART_OF_THE_WORK}
    return hashlib.blake2b(orjson.dumps(work, option=orjson.OPT_SORT_KEYS), digest_size=8).hexdigest()


def create_job(
    cls: type[BaseJob],
    account: Account,
    integration: Integration | None,
    args: Mapping[str, Any],
    *,
    run_at: datetime | None = None,
    queue: JobQueue | None = None,
    retry_of: Job | None = None,
    schedule_slot: str | None = None,
) -> Job:
    """Insert a Job row and hand it to the broker when it is due.

    An open job of the same work, or the job of the same slot whatever its end, is returned instead of a
    second one.
    """
    job = build_job(cls, account, integration, args, run_at=run_at, queue=queue, retry_of=retry_of)
    job.schedule_slot = schedule_slot
    for _ in range(TRIES):
        delivered = job.run_at <= timezone.now() and not delivery.is_covered(job)
        job.enqueued_at = timezone.now() if delivered else None
        try:
            with transaction.atomic():
                job.save(force_insert=True)
                if delivered:
                    delivery.deliver([job])
        except IntegrityError:
            existing = _existing(job)
            if existing is not None:
                return existing
            continue  # the open job has ended meanwhile
        return job
    raise IntegrityError(f"job {job.name} could not be inserted and no open job of the same work was found")


def _existing(job: Job) -> Job | None:
    same = Q(unique_key=job.unique_key, status__in=OPEN_JOB_STATUSES)
    if job.schedule_slot is not None:
        same |= Q(schedule_slot=job.schedule_slot)
    return Job.objects.filter(same).first()


def build_job(
    cls: type[BaseJob],
    account: Account,
    integration: Integration | None,
    args: Mapping[str, Any],
    *,
    run_at: datetime | None = None,
    queue: JobQueue | None = None,
    retry_of: Job | None = None,
) -> Job:
    """A Job row for `cls`, not saved."""
    return Job(
        account=account,
        integration=integration,
        queue=queue or cls.queue,
        name=cls.name,
        provider=cls.provider,
        job_type=cls.job_type,
        unique_key=cls.unique_key(integration, args),
        args=dict(args),
        run_at=run_at or timezone.now(),
        retry_of=retry_of,
    )
