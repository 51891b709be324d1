"""A django-q2 sentinel that survives the death of its children: docs/jobs.md, "What we change in django-q2".

A worker that is killed while it waits for work takes the shared queue's lock with it, and a stock cluster
then looks healthy and runs nothing. Here the whole pool is replaced, with new queues, whenever a child was
killed.
"""

from __future__ import annotations

import contextlib
import logging
import time
from multiprocessing.process import BaseProcess

from django_q import cluster as q_cluster
from django_q.cluster import Cluster, Sentinel
from django_q.conf import Conf
from django_q.queues import Queue

from integrations.jobs import heartbeat, stopping
from integrations.jobs.parent import die_with_parent, die_with_supervisor
from integrations.jobs.process import owner_id
from integrations.jobs.qcluster import close_connections
from integrations.jobs.release import release_owners

logger = logging.getLogger("syncplatform.workers")

TIMED_OUT = 0
RECYCLED = -2
QUICK_REBUILD_SECONDS = 5.0
MAX_REBUILD_PAUSE_SECONDS = 10.0


class SafeSentinel(Sentinel):
    """Guards one cluster. Any unexpected death rebuilds the pool; innocent neighbors get their start back."""

    _rebuilt_at = 0.0
    _quick_rebuilds = 0

    def reincarnate(self, process: BaseProcess) -> None:
        """Replace one child, or the whole pool when it died without warning."""
        if process not in (*self.pool, self.monitor, self.pusher):
            return
        if self._left_no_lock_behind(process):
            super().reincarnate(process)
        else:
            self._rebuild(process)

    def _left_no_lock_behind(self, process: BaseProcess) -> bool:
        """Whether a child ended by itself: a pusher without a broker, a worker timed out or recycled."""
        if process in (self.monitor, self.pusher):
            return process.exitcode is not None and process.exitcode >= 0
        timer = int(process.timer.value)  # type: ignore[attr-defined]
        if timer == TIMED_OUT:
            process.join(timeout=3)
        return timer in (TIMED_OUT, RECYCLED)

    def status(self) -> str:
        """The cluster's status; asked for at each guard cycle, so it is the heartbeat too."""
        heartbeat.beat()
        return str(super().status())

    def stop(self) -> None:
        """Start no further job, finish what runs, and end."""
        stopping.request()
        super().stop()

    def _rebuild(self, dead: BaseProcess) -> None:
        logger.error(
            "child %s died unexpectedly (exit code %s), the pool is rebuilt", dead.pid, dead.exitcode
        )
        self._pause_if_it_keeps_dying()
        others = [child for child in (*self.pool, self.monitor, self.pusher) if child is not dead]
        innocent = {owner_id(child.pid) for child in self.pool if child is not dead and child.is_alive()}
        for child in others:
            child.kill()
        for child in (*others, dead):
            child.join(timeout=5)
            heartbeat.beat()
        close_connections()
        with contextlib.suppress(Exception):
            release_owners(innocent, refund=True)
        self.task_queue = Queue(maxsize=Conf.QUEUE_LIMIT) if Conf.QUEUE_LIMIT else Queue()
        self.result_queue = Queue()
        self.event_out = q_cluster.Event()
        self.spawn_cluster()
        self.reincarnations += 1

    def _pause_if_it_keeps_dying(self) -> None:
        now = time.monotonic()
        quick = now - self._rebuilt_at < QUICK_REBUILD_SECONDS
        self._quick_rebuilds = self._quick_rebuilds + 1 if quick else 0
        if self._quick_rebuilds > 3:
            until = now + min(MAX_REBUILD_PAUSE_SECONDS, 0.5 * self._quick_rebuilds)
            while time.monotonic() < until and not self.stop_event.is_set():
                heartbeat.beat()
                time.sleep(0.1)
        self._rebuilt_at = time.monotonic()


def run_cluster() -> int:
    """Run one cluster in this process until it is told to stop; returns its exit code.

    Whoever dies takes everything below it along: no orphan keeps taking jobs.
    """
    die_with_supervisor()
    die_with_parent()
    q_cluster.Sentinel = SafeSentinel
    main = Cluster()
    main.start()
    main.sentinel.join()
    return main.sentinel.exitcode or 0
