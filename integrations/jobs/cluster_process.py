"""One cluster as the supervisor sees it: a child process with everything below it."""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from django.conf import settings
from django.utils import timezone

from integrations.jobs.heartbeat import HEARTBEAT_FD, Heartbeat
from integrations.jobs.parent import SUPERVISOR_PID
from integrations.jobs.process import owner_id
from integrations.jobs.qcluster import ALL_QUEUES, SERVED_QUEUE, cluster_name
from synclogs.models import JobQueue

logger = logging.getLogger("syncplatform.workers")

START_GRACE_SECONDS = 30.0
QUICK_DEATHS_ALLOWED = 2
MAX_RESTART_PAUSE_SECONDS = 30.0
KILL_WAIT_SECONDS = 10.0


class ClusterProcess:
    """One cluster as a child in a process group of its own.

    `queue` is a queue's name, or `all`.
    """

    def __init__(self, queue: str) -> None:
        self.queue = queue
        self.started_at = timezone.now()
        self._command = [sys.executable, sys.argv[0], "run_workers", "--cluster"]
        self._heartbeat = Heartbeat()
        self._process: subprocess.Popen[bytes] | None = None
        self._started = 0.0
        self._quick_deaths = 0
        self._resume_at = 0.0

    @property
    def served(self) -> list[str]:
        """The queues that it serves."""
        return list(JobQueue.values) if self.queue == ALL_QUEUES else [self.queue]

    @property
    def workers(self) -> int:
        """How many workers it has when all is well."""
        config = settings.Q_CLUSTER
        return int(config["ALT_CLUSTERS"].get(self.queue, config)["workers"])

    @property
    def code(self) -> int | None:
        """The exit code of its main process; None while it runs or before it was started."""
        return self._process.poll() if self._process is not None else None

    def start(self) -> None:
        """Start the cluster; its heartbeat counts from now."""
        self._heartbeat.reset()
        environment = os.environ | {
            "SYNCPLATFORM_PROCESS": "worker",
            "Q_CLUSTER_NAME": cluster_name(self.queue),
            SERVED_QUEUE: self.queue,
            SUPERVISOR_PID: str(os.getpid()),
            HEARTBEAT_FD: str(self._heartbeat.descriptor),
        }
        self._process = subprocess.Popen(  # noqa: S603
            self._command, env=environment, start_new_session=True, pass_fds=[self._heartbeat.descriptor]
        )
        self._started = time.monotonic()
        self._resume_at = 0.0
        self.started_at = timezone.now()

    def start_again(self) -> None:
        """Start what was killed or died: at once the first times, ever later while it keeps dying young."""
        now = time.monotonic()
        if self._resume_at:
            if now >= self._resume_at:
                self.start()
            return
        young = now - self._started < START_GRACE_SECONDS
        self._quick_deaths = self._quick_deaths + 1 if young else 0
        if self._quick_deaths <= QUICK_DEATHS_ALLOWED:
            self.start()
            return
        pause = min(MAX_RESTART_PAUSE_SECONDS, 2.0 ** (self._quick_deaths - QUICK_DEATHS_ALLOWED))
        logger.error("cluster %s keeps dying, it is started again in %.0f s", self.queue, pause)
        self._resume_at = now + pause

    def is_running(self) -> bool:
        """Whether the cluster's main process lives."""
        return self._process is not None and self._process.poll() is None

    def is_up(self) -> bool:
        """Whether its sentinel has been heard of since it was started."""
        return self.is_running() and time.monotonic() - self._started - self._heartbeat.age() > 0.1

    def is_frozen(self) -> bool:
        """Whether its sentinel has not been heard of for too long; its first beat may take longer."""
        limit = settings.JOB_HEARTBEAT_SECONDS
        return self._heartbeat.age() > (limit if self.is_up() else max(START_GRACE_SECONDS, limit))

    def pids(self) -> set[int]:
        """Every process of its group."""
        return _group_members(self._process.pid) if self._process is not None else set()

    def owners(self) -> set[str]:
        """Every process of its group in the form that owns jobs."""
        return {owner_id(pid) for pid in self.pids()}

    def terminate(self) -> None:
        """Ask it to finish what runs and stop."""
        if self._process is not None and self.is_running():
            self._process.terminate()

    def kill(self) -> set[str]:
        """Kill the whole group and collect it. Returns the owners that were killed."""
        if self._process is None:
            return set()
        owners = self.owners()
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(timeout=KILL_WAIT_SECONDS)
        self._process = None
        return owners

    def close(self) -> None:
        """Give back what the supervisor holds for it."""
        self._heartbeat.close()


def _group_members(group: int) -> set[int]:
    """The processes of a process group, from /proc."""
    members = set()
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                stat = (entry / "stat").read_text()
            except OSError:
                continue
            if int(stat.rpartition(")")[2].split()[2]) == group:
                members.add(int(entry.name))
    return members
