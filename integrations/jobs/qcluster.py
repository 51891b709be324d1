"""What touches the insides of django-q2: docs/jobs.md, "What we change in django-q2"."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from importlib.metadata import version
from time import sleep
from typing import Any

from django import db
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.utils import timezone
from django_q.brokers import Broker, get_broker
from django_q.brokers.orm import ORM
from django_q.conf import Conf
from django_q.exceptions import TimeoutException
from django_q.models import OrmQ
from django_q.signals import pre_execute
from django_q.signing import SignedPackage
from django_q.tasks import async_task
from django_q.timeout import TimeoutHandler

from synclogs.models import JobQueue

__all__ = ["Message", "PriorityBroker", "ReplaceWorker", "TimeoutException", "send", "time_limit"]

logger = logging.getLogger("syncplatform.jobs")

SUPPORTED_VERSION = "1.11."
HEAD_START_SECONDS = 5.0
ALL_QUEUES = "all"
SERVED_QUEUE = "CLUSTER_QUEUE"

if not version("django-q2").startswith(SUPPORTED_VERSION):
    raise ImproperlyConfigured(
        f"django-q2 {SUPPORTED_VERSION}x is needed, {version('django-q2')} is installed: its insides are "
        "changed here, so read integrations/jobs/qcluster.py against the new release before allowing it."
    )


@dataclass(frozen=True, slots=True)
class Message:
    """What the broker carries: a function by its dotted name with ids and slugs; `timeout` is in seconds."""

    queue: str
    function: str
    args: tuple[str, ...]
    name: str
    timeout: int


class ReplaceWorker(TimeoutException):
    """Raised by a task to have django-q2 replace this worker process, as it does after a timeout."""


def head_start(queue: str) -> timedelta:
    """How much earlier than it was a job of this queue counts as enqueued: priority without starvation."""
    levels = list(JobQueue.values)
    return timedelta(seconds=HEAD_START_SECONDS * (len(levels) - 1 - levels.index(queue)))


class PriorityBroker(ORM):
    """The ORM broker for one cluster that serves every queue.

    A row is deleted when it is taken, since the Job table is the receipt. Rows are ordered by the moment
    they were enqueued minus their queue's head start.
    """

    def enqueue(self, task: str) -> int:
        """Put a signed task on this broker's queue, inside the caller's transaction."""
        row = self.get_connection().create(
            key=self.list_key, payload=task, lock=timezone.now() - head_start(self.list_key)
        )
        return row.pk

    def dequeue(self) -> list[tuple[None, str]] | None:
        """Take the next tasks, oldest first; sleeps one poll when there is none."""
        waiting = self.get_connection().filter(key__in=served_queues(), lock__lte=timezone.now())
        taken = [
            (None, row.payload)
            for row in waiting.order_by("lock", "id")[: Conf.BULK]
            if OrmQ.objects.filter(pk=row.pk).delete()[0]
        ]
        if not taken:
            sleep(Conf.POLL)
            return None
        return taken

    def queue_size(self) -> int:
        """How many tasks wait in the queues that this cluster serves."""
        return self.get_connection().filter(key__in=served_queues()).count()

    def lock_size(self) -> int:
        """Always 0: a task that was taken has no row any more."""
        return 0

    def set_stat(self, key: str, value: str, timeout: int) -> None:
        """Keep no statistics in the cache: the supervisor listens to the sentinel's heartbeat instead."""

    def purge_queue(self) -> Any:
        """Delete what waits in the queues that this cluster serves. The Job rows remain."""
        return self.get_connection().filter(key__in=served_queues()).delete()


def served_queues() -> list[str]:
    """The queues of this process's cluster, as its supervisor said; all of them in any other process."""
    queue = os.environ.get(SERVED_QUEUE, ALL_QUEUES)
    return list(JobQueue.values) if queue == ALL_QUEUES else [queue]


def cluster_name(queue: str) -> str:
    """django-q2's name for the cluster of a queue: the main one's for `default` and for all."""
    return str(Conf.PREFIX) if queue in (ALL_QUEUES, JobQueue.DEFAULT) else queue


def broker_key(queue: str) -> str:
    """The broker's name of a queue. Redis has a list for each cluster, and a cluster for each queue."""
    return queue if settings.QUEUE_BROKER == "orm" else cluster_name(queue)


@lru_cache(maxsize=len(JobQueue))
def _broker(key: str) -> Broker:
    return get_broker(key)


def send(message: Message) -> None:
    """Put a message on the broker. Raises whatever the broker raises when it is down."""
    async_task(
        message.function,
        *message.args,
        broker=_broker(broker_key(message.queue)),
        task_name=message.name,
        timeout=message.timeout,
        save=False,
    )


def is_reachable(queue: str) -> bool:
    """Whether a queue's broker answers. The ORM broker always does; Redis may take seconds to say no."""
    try:
        return bool(_broker(broker_key(queue)).ping())
    except Exception as error:
        logger.warning("the broker of queue %s does not answer: %s", queue, type(error).__name__)
        return False


def oldest_message(queue: str) -> datetime | None:
    """When the message that has waited longest for a queue's cluster was enqueued; None when none waits."""
    if settings.QUEUE_BROKER == "orm":
        first = OrmQ.objects.filter(key=queue).order_by("lock", "id").values_list("lock", flat=True).first()
        return None if first is None else first + head_start(queue)
    broker = _broker(broker_key(queue))
    packed = broker.connection.lindex(broker.list_key, 0)
    started: datetime | None = SignedPackage.loads(packed)["started"] if packed else None
    return started


_current_task = {"id": ""}


def _remember_task(task: dict[str, Any], **kwargs: Any) -> None:
    _current_task["id"] = task["id"]


pre_execute.connect(_remember_task, dispatch_uid="syncplatform_current_task")


def current_task_id() -> str:
    """django-q2's id of the task that this worker executes; empty in any other process."""
    return _current_task["id"]


@contextmanager
def time_limit(seconds: int | None) -> Iterator[None]:
    """Raise TimeoutException after so many seconds; no limit when None.

    Only the main thread can be interrupted: work in another one has to look at the clock itself.
    """
    limited = seconds and threading.current_thread() is threading.main_thread()
    with TimeoutHandler(seconds) if limited else nullcontext():
        yield


def close_connections() -> None:
    """Close every database connection of this process, before it forks."""
    db.connections.close_all()
