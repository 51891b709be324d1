"""From a Job row to the broker: at once, when it falls due, and again when the broker lost it."""

from __future__ import annotations

import logging
import math
from collections.abc import Iterable, Sequence
from datetime import timedelta
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import F, Q, QuerySet
from django.db.models.functions import Now
from django.utils import timezone

from integrations.jobs import qcluster
from integrations.jobs.claim import due, lapsed
from integrations.jobs.qcluster import Message
from integrations.jobs.registry import UnknownJob, job_class, short_job_names
from synclogs.models import OPEN_JOB_STATUSES, WAITING_JOB_STATUSES, Job, JobAttempt

logger = logging.getLogger("syncplatform.jobs")

REDELIVERY_GRACE = timedelta(seconds=3)
BATCH = 500
CLAIMED_TOGETHER = 20
MAX_WAKE_UPS = 10
NEWEST_STARTS = 20
RUN_JOB = "integrations.jobs.runner.run_job"
RUN_SHORT_JOBS = "integrations.jobs.short.run_short_jobs"
UNKNOWN_JOB_TIMEOUT = 60


def deliver(jobs: Sequence[Job]) -> None:
    """Hand jobs to the broker: in this transaction (ORM broker) or after it (Redis).

    A broker that is down loses nothing: the rows stay, and the dispatcher delivers them later.
    """
    if settings.QUEUE_BROKER == "orm":
        for message in _messages(jobs):
            qcluster.send(message)
    else:
        transaction.on_commit(lambda: _deliver_safely(jobs))


def deliver_message(message: Message) -> None:
    """Send one message like `deliver`; when the broker refuses it, what it was for is found later."""
    if settings.QUEUE_BROKER == "orm":
        qcluster.send(message)
    else:
        transaction.on_commit(lambda: qcluster.send(message), robust=True)


def _deliver_safely(jobs: Sequence[Job]) -> None:
    try:
        for message in _messages(jobs):
            qcluster.send(message)
    except Exception as error:
        logger.warning("broker unreachable, %d jobs wait for the dispatcher: %s", len(jobs), error)
        undelivered = Job.objects.filter(pk__in=[job.pk for job in jobs], status__in=OPEN_JOB_STATUSES)
        undelivered.update(enqueued_at=None)


def _messages(jobs: Iterable[Job]) -> list[Message]:
    """What the broker carries: a job's id, or a wake-up for twenty waiting jobs of a short class."""
    messages = []
    short: dict[tuple[str, str], int] = {}
    for job in jobs:
        try:
            cls = job_class(job.name)
        except UnknownJob:
            messages.append(Message(job.queue, RUN_JOB, (str(job.pk),), job.name, UNKNOWN_JOB_TIMEOUT))
            continue
        if cls.short and job.status in WAITING_JOB_STATUSES:
            short[job.name, job.queue] = short.get((job.name, job.queue), 0) + 1
        else:
            messages.append(Message(job.queue, RUN_JOB, (str(job.pk),), job.name, cls.timeout))
    for (name, queue), count in short.items():
        wake_ups = min(math.ceil(count / CLAIMED_TOGETHER), MAX_WAKE_UPS)
        messages += [wake_up(name, queue)] * wake_ups
    return messages


def wake_up(name: str, queue: str) -> Message:
    """A message that makes a worker claim due jobs of a short class."""
    timeout = job_class(name).timeout * CLAIMED_TOGETHER
    return Message(queue, RUN_SHORT_JOBS, (name, queue), name, timeout)


def is_covered(job: Job) -> bool:
    """Whether a new job of a short class needs no wake-up of its own: enough of its kind wait already.

    Each batch wakes the next while there is more, and the dispatcher finds what nobody was woken for.
    """
    if not job_class(job.name).short:
        return False
    waiting = Job.objects.filter(due(), name=job.name, queue=job.queue).order_by()
    return len(waiting.values_list("pk")[:CLAIMED_TOGETHER]) == CLAIMED_TOGETHER


def hand_back(job_id: UUID | str) -> None:
    """Leave a delivered job to the dispatcher again: it was not due yet, or this cluster stops."""
    Job.objects.filter(pk=job_id, status__in=OPEN_JOB_STATUSES).update(enqueued_at=None)


def enqueue_due() -> int:
    """Deliver what is due and not with the broker: new, retried, postponed and abandoned jobs.

    Returns how many. Several supervisors may do this at once: each job is delivered by one of them.
    """
    never = Q(enqueued_at__isnull=True)
    undelivered = (due() & never) | (lapsed() & (never | Q(enqueued_at__lt=F("lease_until"))))
    return _enqueue(Job.objects.filter(undelivered, _not_poison(), _not_being_drained()))


def redeliver_lost() -> int:
    """Deliver again what the broker has lost; returns how many.

    Brokers are first in, first out a queue: what was enqueued before the oldest message that still waits, and
    was not started for a while, is not with the broker any more. What a cluster has taken but not started
    yet is delivered twice then, which does no harm.
    """
    stale = Job.objects.filter(
        due() | lapsed(),
        _not_poison(),
        _not_being_drained(),
        enqueued_at__lt=timezone.now() - REDELIVERY_GRACE,
    )
    lost = 0
    for queue in sorted(set(stale.order_by().values_list("queue", flat=True).distinct())):
        oldest = qcluster.oldest_message(queue)
        gone = stale.filter(queue=queue)
        lost += _enqueue(gone if oldest is None else gone.filter(enqueued_at__lt=oldest - REDELIVERY_GRACE))
    if lost:
        logger.warning("%d jobs were lost by the broker or its cluster and are delivered again", lost)
    return lost


def _not_poison() -> Q:
    return Q(deliveries__lt=settings.JOB_POISON_DELIVERIES)


def _not_being_drained() -> Q:
    """All but waiting jobs of short classes that workers are at: each batch of those wakes the next."""
    newest = JobAttempt.objects.order_by("-pk").values_list("job__name", "job__queue", "started_at")
    drained = Q()
    recent = {
        (name, queue)
        for name, queue, started_at in newest[:NEWEST_STARTS]
        if started_at > timezone.now() - REDELIVERY_GRACE
    }
    for name, queue in recent:
        if name in short_job_names():
            drained |= Q(status__in=WAITING_JOB_STATUSES, name=name, queue=queue)
    return ~drained if drained else Q()


def _enqueue(which: QuerySet[Job]) -> int:
    if not which.exists():
        return 0
    with transaction.atomic():
        rows = which.select_for_update(skip_locked=True).order_by("run_at")
        jobs = list(rows.only("pk", "name", "queue", "status")[:BATCH])
        Job.objects.filter(pk__in=[job.pk for job in jobs]).update(enqueued_at=Now())
        deliver(jobs)
    return len(jobs)
