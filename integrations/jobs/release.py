"""Giving jobs back: a process that died, was killed, or will not go on holds nothing any longer."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from django.db import transaction
from django.db.models import Case, F, Q, Value, When
from django.db.models.functions import Now

from integrations.jobs.claim import Claim
from synclogs.models import AttemptOutcome, Job, JobAttempt, JobStatus

ONE_START_LESS = Case(When(deliveries__gt=0, then=F("deliveries") - 1), default=Value(0))


def release(held: Claim) -> None:
    """End the lease of a job that this process will not go on with; its start stays counted."""
    mine = Job.objects.filter(pk=held.job.pk, lease_token=held.token, status=JobStatus.RUNNING)
    mine.update(lease_until=Now(), enqueued_at=None, owner="")


def release_owners(owners: Collection[str], *, refund: bool) -> int:
    """End the leases of these processes now, so that their jobs start again at once. Returns how many.

    With `refund` a start is given back: the process was killed by us and the job is not to blame. Of jobs
    claimed together any may be to blame, so each keeps its start and is delivered alone from now on: a job
    that kills its process takes its neighbors along once.
    """
    if not owners:
        return 0
    held = Job.objects.filter(status=JobStatus.RUNNING, owner__in=owners)
    changes = {"deliveries": ONE_START_LESS} if refund else {}
    return held.update(lease_until=Now(), enqueued_at=None, **changes)


def put_back(jobs: Iterable[Job]) -> None:
    """Let jobs wait again that were claimed but not started, with no trace of the claim."""
    claimed = Q()
    for job in jobs:
        claimed |= Q(pk=job.pk, lease_token=job.lease_token)
    if not claimed:
        return
    with transaction.atomic():
        mine = Job.objects.select_for_update().filter(claimed, status=JobStatus.RUNNING)
        pks = list(mine.values_list("pk", flat=True))
        JobAttempt.objects.filter(job__in=pks, outcome=AttemptOutcome.RUNNING).delete()
        Job.objects.filter(pk__in=pks).update(
            status=JobStatus.QUEUED,
            deliveries=ONE_START_LESS,
            lease_until=None,
            lease_token="",
            owner="",
            enqueued_at=None,
        )
