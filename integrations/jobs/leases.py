"""The leases of others: released when their process is gone, ended when it hangs, parked when poison."""

from __future__ import annotations

import contextlib
import logging
import os
import signal
from collections.abc import Collection
from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, OuterRef, Q
from django.db.models.functions import Now
from django.utils import timezone

from integrations.jobs.claim import lapsed
from integrations.jobs.ending import end_unclaimed
from integrations.jobs.outcomes import Decision, JobFailed, Next
from integrations.jobs.process import is_alive, is_local, pid_of
from integrations.jobs.release import release_owners
from synclogs.models import OPEN_JOB_STATUSES, Job, JobStatus, SyncLog, SyncStatus

logger = logging.getLogger("syncplatform.workers")

POISON_MESSAGE = (
    "The process that ran this job died {count} times without reporting an end, so it is not started again."
)
POISON_ADVICE = "Find out what kills the process (memory, a crash in C code), then retry it."
ABANDONED_AFTER = timedelta(minutes=1)
STAGED_ABANDONED_AFTER = timedelta(minutes=60)
BATCH = 100


def release_dead_owners() -> int:
    """End the leases of jobs whose process on this host is gone. Returns how many."""
    running = Job.objects.filter(status=JobStatus.RUNNING, lease_until__gte=Now())
    owners = set(running.order_by().values_list("owner", flat=True).distinct())
    dead = {owner for owner in owners if is_local(owner) and not is_alive(owner)}
    released = release_owners(dead, refund=False)
    if released:
        logger.warning("%d jobs of dead processes are free again", released)
    return released


def kill_stale_owners(group: Collection[int]) -> int:
    """Kill workers of our own group that live although their lease lapsed: one may sit on a lock.

    `group` holds the process ids that may be killed. Returns how many were.
    """
    owners = set(Job.objects.filter(lapsed()).order_by().values_list("owner", flat=True).distinct())
    stale = [owner for owner in owners if is_local(owner) and is_alive(owner) and pid_of(owner) in group]
    for owner in stale:
        logger.error("worker %s is alive but let its lease lapse, it is killed", owner)
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid_of(owner), signal.SIGKILL)
    return len(stale)


def park_poison() -> int:
    """Fail the jobs whose starts ended five times without a report, and their runs. Returns how many."""
    poison = lapsed() & Q(deliveries__gte=settings.JOB_POISON_DELIVERIES)
    parked = 0
    for pk, deliveries in Job.objects.filter(poison).values_list("pk", "deliveries")[:BATCH]:
        error = JobFailed(POISON_MESSAGE.format(count=deliveries), code="poison")
        decision = Decision(
            Next.PARK,
            "poison: started too often without a report",
            error=error,
            code=error.code,
            actionable_message=POISON_ADVICE,
        )
        parked += end_unclaimed(pk, poison, decision)
    return parked


def sweep_abandoned_runs() -> int:
    """Fail the open runs that no open job belongs to any more. Returns how many.

    Runs whose chunks are jobs of their own are given an hour.
    """
    now = timezone.now()
    open_jobs = Job.objects.filter(
        Q(run=OuterRef("pk")) | Q(pk=OuterRef("job_id")), status__in=OPEN_JOB_STATUSES
    )
    old = Q(started_at__lt=now - ABANDONED_AFTER, jobs_total=0) | Q(
        started_at__lt=now - STAGED_ABANDONED_AFTER
    )
    abandoned = SyncLog.objects.filter(~Exists(open_jobs), old, sync_status=SyncStatus.STARTED)
    if not abandoned.exists():
        return 0
    with transaction.atomic():
        runs = list(abandoned.select_for_update(skip_locked=True).order_by()[:BATCH])
        for run in runs:
            logger.error("run %s is abandoned: its job ended without it", run.pk)
            run.fail("The job that did this run ended without ending it.", code="abandoned")
    return len(runs)
