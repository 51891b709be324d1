"""`run_workers`: the clusters, the dispatcher, the reaper and the watchdog in one supervised group."""

from __future__ import annotations

import logging
import signal
import time
from collections.abc import Callable, Sequence

from django.conf import settings
from django.db import close_old_connections, connection

from integrations.jobs.cluster_process import ClusterProcess
from integrations.jobs.delivery import enqueue_due, redeliver_lost
from integrations.jobs.leases import (
    kill_stale_owners,
    park_poison,
    release_dead_owners,
    sweep_abandoned_runs,
)
from integrations.jobs.progress import Meter, StuckWatch, running_jobs
from integrations.jobs.qcluster import ALL_QUEUES
from integrations.jobs.release import release_owners
from integrations.jobs.workers import forget_workers, note_workers
from synclogs.models import JobQueue

logger = logging.getLogger("syncplatform.workers")

TICK_SECONDS = 1.0
REDELIVERY_TICKS = 2
HOUSEKEEPING_TICKS = 5


class Supervisor:
    """Keeps clusters alive and jobs moving until told to stop.

    `queues` limits it to some queues, each with a cluster of its own; None serves what the settings say.
    `duties` are what rooms above want done each second, such as firing schedules.
    """

    def __init__(
        self, queues: Sequence[str] | None = None, *, duties: Sequence[Callable[[], object]] = ()
    ) -> None:
        per_queue = settings.QUEUE_CLUSTERS == "per_queue"
        names = list(dict.fromkeys(queues or (JobQueue.values if per_queue else [ALL_QUEUES])))
        self._clusters = [ClusterProcess(name) for name in names]
        self._watches = {cluster.queue: StuckWatch() for cluster in self._clusters}
        self._duties = duties
        self._meter = Meter()
        self._stopping = False
        self._ticks = 0

    def run(self) -> None:
        """Work until SIGTERM or SIGINT, then finish what runs and return."""
        signal.signal(signal.SIGTERM, self._stop)
        signal.signal(signal.SIGINT, self._stop)
        connection.close()
        for cluster in self._clusters:
            cluster.start()
        logger.info("workers started: %s", ", ".join(cluster.queue for cluster in self._clusters))
        while not self._stopping:
            self._tick()
            self._sleep()
        self._shut_down()

    def _stop(self, signum: int, frame: object) -> None:
        self._stopping = True

    def _sleep(self) -> None:
        until = time.monotonic() + TICK_SECONDS
        while not self._stopping and time.monotonic() < until:
            time.sleep(0.1)

    def _tick(self) -> None:
        """One round: clusters first, so that a frozen one does not stop its own rescue, then the jobs.

        Processes that hang are killed before anything is written: one may hold the database's write lock.
        """
        for cluster in self._clusters:
            self._keep_alive(cluster)
        close_old_connections()
        pids = set().union(*(cluster.pids() for cluster in self._clusters))
        self._safely(lambda: kill_stale_owners(pids))
        for duty in (release_dead_owners, park_poison, *self._duties, enqueue_due):
            self._safely(duty)
        self._safely(self._look_at_progress)
        if self._ticks % REDELIVERY_TICKS == 0:
            self._safely(redeliver_lost)
        if self._ticks % HOUSEKEEPING_TICKS == 0:
            self._safely(lambda: note_workers(self._clusters))
            self._safely(sweep_abandoned_runs)
        self._ticks += 1

    def _safely(self, duty: Callable[[], object]) -> None:
        """Whatever is down for a while, a database or a broker, must not end the supervisor."""
        try:
            duty()
        except Exception as error:
            logger.warning("a duty of the supervisor failed: %s: %s", type(error).__name__, error)
            connection.close()

    def _keep_alive(self, cluster: ClusterProcess) -> None:
        if cluster.is_running():
            if cluster.is_frozen():
                self._replace(cluster, "is frozen")
            return
        if cluster.code is not None:
            logger.error("cluster %s ended with code %s", cluster.queue, cluster.code)
            cluster.kill()
        cluster.start_again()

    def _replace(self, cluster: ClusterProcess, reason: str) -> None:
        """Kill a cluster and start it again; its jobs are not to blame."""
        logger.error("cluster %s %s, its group is killed and started again", cluster.queue, reason)
        owners = cluster.kill()
        cluster.start_again()
        self._safely(lambda: release_owners(owners, refund=True))

    def _look_at_progress(self) -> None:
        running = []
        for cluster in self._clusters:
            jobs = running_jobs(cluster.owners())
            running += jobs
            watch = self._watches[cluster.queue]
            if not cluster.is_up():
                watch.reset()
            elif watch.is_stuck(cluster.served, jobs, cluster.workers):
                watch.reset()
                self._replace(cluster, "starts no job although some are due")
        self._meter.read(running)

    def _shut_down(self) -> None:
        logger.info("stopping: what runs is finished first")
        for cluster in self._clusters:
            cluster.terminate()
        deadline = time.monotonic() + settings.JOB_STOP_GRACE_SECONDS
        while time.monotonic() < deadline and any(cluster.is_running() for cluster in self._clusters):
            time.sleep(0.1)
        for cluster in self._clusters:
            if cluster.is_running():
                logger.warning("cluster %s did not stop in time, it is killed", cluster.queue)
            owners = cluster.kill()
            self._safely(lambda owners=owners: release_owners(owners, refund=True))  # type: ignore[misc]
            cluster.close()
        self._safely(release_dead_owners)
        self._safely(lambda: self._meter.read([]))
        self._safely(forget_workers)
