"""Running jobs of a short class: one delivery claims several due jobs in one transaction.

What a claim and a good end cost is shared; the lease and the record of each job stay its own.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta

from django.db import Error as DatabaseError
from django.db import connection, transaction
from django.db.models import Count, F, Q
from django.utils import timezone

from integrations.jobs import stopping
from integrations.jobs.base import BaseJob
from integrations.jobs.claim import Claim, close_lost_attempts, lease_end, new_attempt, new_token
from integrations.jobs.delivery import CLAIMED_TOGETHER, deliver_message, wake_up
from integrations.jobs.lease import LeaseKeeper
from integrations.jobs.outcomes import Decision, Next
from integrations.jobs.process import owner_id
from integrations.jobs.qcluster import current_task_id
from integrations.jobs.release import put_back
from integrations.jobs.runner import end, execute
from integrations.jobs.settle import Success, settle_together
from synclogs.models import WAITING_JOB_STATUSES, Job, JobAttempt, JobStatus

logger = logging.getLogger("syncplatform.jobs")

LONGEST_WAIT = timedelta(seconds=0.2)


def run_short_jobs(name: str, queue: str) -> int:
    """Claim up to twenty due jobs of a short class and run them one by one. Returns how many were run.

    Called by django-q2. What is not started, because the cluster stops or a job took too long, waits again.
    """
    if stopping.is_requested():
        return 0
    with _without_waiting_for_the_disk():
        return _run_batch(claim_due(name, queue))


def _run_batch(claims: list[Claim]) -> int:
    if not claims:
        return 0
    done = 0
    with LeaseKeeper(*claims) as keeper:
        ends = GoodEnds()
        try:
            for held in claims:
                if stopping.is_requested() or keeper.is_overdue():
                    break
                if held.attempt is not None:
                    held.attempt.started_at = timezone.now()
                done += 1
                execute(held, keeper, ends.write)
        finally:
            try:
                ends.flush()
            finally:
                put_back(held.job for held in claims[done:])
    return done


class GoodEnds:
    """Gathers the good ends of a batch, and writes them together before the first is `LONGEST_WAIT` old.

    Any other end is written at once. Until an end is written its job counts as running: when the process
    dies before, the job is done again.
    """

    def __init__(self) -> None:
        self._unwritten: list[Success] = []

    def write(self, held: Claim, work: BaseJob | None, decision: Decision) -> Decision:
        """Write this end, now or soon. Takes the place of `runner.end`."""
        if decision.next is not Next.SUCCEED or work is None or held.attempt is None or held.run is not None:
            return end(held, work, decision)
        self._unwritten.append(Success(held, held.attempt, work, decision, timezone.now()))
        if timezone.now() - self._unwritten[0].finished_at >= LONGEST_WAIT:
            self.flush()
        return decision

    def flush(self) -> None:
        """Write what was gathered; one by one when that cannot be done together."""
        successes, self._unwritten = self._unwritten, []
        if not successes:
            return
        try:
            settle_together(successes)
        except Exception as error:
            logger.info("%d ends are written one by one: %s", len(successes), error)
            for success in successes:
                end(success.claim, success.work, success.decision)


@contextmanager
def _without_waiting_for_the_disk() -> Iterator[None]:
    """Let PostgreSQL answer a commit before it is on the disk.

    Commits reach the disk in order, so a server that crashes forgets the end of a job before what the job
    wrote: the job is waiting or running again then, and is done again like after any other crash.
    """
    if connection.vendor != "postgresql":
        yield
        return
    with connection.cursor() as cursor:
        cursor.execute("SET synchronous_commit TO off")
    try:
        yield
    finally:
        with suppress(DatabaseError), connection.cursor() as cursor:
            cursor.execute("RESET synchronous_commit")


def claim_due(name: str, queue: str) -> list[Claim]:
    """Claim the due jobs of a short class that waited longest; wakes another worker when there may be more.

    Jobs whose process died are not among them: those are delivered one by one, so that one that kills its
    process does not take others along again.
    """
    owner, token, task_id = owner_id(), new_token(), current_task_id()
    with transaction.atomic():
        jobs = _lock_due(name, queue)
        if not jobs:
            return []
        pks = [job.pk for job in jobs]
        numbers = _numbers_of_last_attempts(jobs)
        Job.objects.filter(pk__in=pks).update(
            status=JobStatus.RUNNING,
            lease_token=token,
            lease_until=lease_end(),
            deliveries=F("deliveries") + 1,
            owner=owner,
            started_at=timezone.now(),
            wait_reason="",
        )
        for job in jobs:
            job.lease_token = token
        attempts = [new_attempt(job, numbers.get(job.pk, 0) + 1, owner, task_id) for job in jobs]
        JobAttempt.objects.bulk_create(attempts)
        if len(jobs) == CLAIMED_TOGETHER:
            deliver_message(wake_up(name, queue))
    return [Claim(job, token, attempt) for job, attempt in zip(jobs, attempts, strict=True)]


def _lock_due(name: str, queue: str) -> list[Job]:
    """Lock up to twenty, one status after the other: together, SQLite would sort the whole backlog."""
    jobs: list[Job] = []
    for status in WAITING_JOB_STATUSES:
        waiting = Job.objects.filter(name=name, queue=queue, status=status, run_at__lte=timezone.now())
        locked = waiting.order_by("run_at", "pk").select_for_update(skip_locked=True, of=("self",))
        jobs += locked.select_related("account")[: CLAIMED_TOGETHER - len(jobs)]
        if len(jobs) == CLAIMED_TOGETHER:
            break
    return sorted(jobs, key=lambda job: (job.run_at, job.pk))


def _numbers_of_last_attempts(jobs: list[Job]) -> dict[object, int]:
    """How many attempts each job had; asked only of jobs that were started before."""
    started = [job.pk for job in jobs if job.started_at is not None]
    if not started:
        return {}
    close_lost_attempts(Q(job__in=started))
    counted = JobAttempt.objects.filter(job__in=started).order_by().values("job").annotate(n=Count("pk"))
    return {row["job"]: row["n"] for row in counted}
