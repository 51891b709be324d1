"""Whether a cluster gets anywhere, and what its jobs use: what the supervisor looks at each second."""

from __future__ import annotations

import os
import time
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from django.conf import settings

from integrations.jobs.claim import due
from integrations.jobs.delivery import REDELIVERY_GRACE
from integrations.jobs.process import pid_of, start_time
from synclogs.models import Job, JobAttempt, JobStatus

REDELIVERY_SECONDS = 2 * REDELIVERY_GRACE.total_seconds()
TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Running:
    """A job under way: who runs it under which token."""

    job_id: UUID
    token: str
    owner: str


def running_jobs(owners: Collection[str]) -> list[Running]:
    """The jobs that these processes run."""
    rows = Job.objects.filter(status=JobStatus.RUNNING, owner__in=owners).order_by()
    return [Running(*row) for row in rows.values_list("pk", "lease_token", "owner")]


class StuckWatch:
    """Notices that a due job waits although workers are free, and that nothing changes about it."""

    def __init__(self) -> None:
        self._seen: object = None
        self.reset()

    def reset(self) -> None:
        """Count from now."""
        self._since = time.monotonic()

    def is_stuck(self, queues: Sequence[str], running: Iterable[Running], workers: int) -> bool:
        """Whether the oldest due job of these queues was ignored for longer than a lost delivery explains."""
        waiting = Job.objects.filter(due(), queue__in=queues).order_by("run_at")
        oldest = waiting.values_list("pk", flat=True).first()
        busy = frozenset(running)
        seen = (oldest, busy)
        if oldest is None or len({job.owner for job in busy}) >= workers or seen != self._seen:
            self._seen = seen
            self.reset()
        return time.monotonic() - self._since > settings.JOB_HEARTBEAT_SECONDS + REDELIVERY_SECONDS


@dataclass(slots=True)
class _Reading:
    attempt_id: int
    owner: str
    cpu_at_first: float
    cpu: float
    max_rss_kb: int


class Meter:
    """Peak memory and processor time of each attempt, from /proc; too short for a second, and it has none."""

    def __init__(self) -> None:
        self._readings: dict[tuple[UUID, str], _Reading] = {}

    def read(self, running: Iterable[Running]) -> None:
        """Look at what runs now, and write down what has ended since the last look."""
        keys = set()
        for job in running:
            keys.add((job.job_id, job.token))
            self._read(job)
        for key in self._readings.keys() - keys:
            reading = self._readings.pop(key)
            JobAttempt.objects.filter(pk=reading.attempt_id).update(
                max_rss_kb=reading.max_rss_kb, cpu_seconds=round(reading.cpu - reading.cpu_at_first, 2)
            )

    def _read(self, job: Running) -> None:
        usage = _usage(job.owner)
        if usage is None:
            return
        rss_kb, cpu = usage
        reading = self._readings.get((job.job_id, job.token))
        if reading is None:
            attempts = JobAttempt.objects.filter(job_id=job.job_id, worker=job.owner).order_by("-number")
            attempt_id = attempts.values_list("pk", flat=True).first()
            if attempt_id is not None:
                self._readings[job.job_id, job.token] = _Reading(attempt_id, job.owner, cpu, cpu, rss_kb)
            return
        reading.cpu = cpu
        reading.max_rss_kb = max(reading.max_rss_kb, rss_kb)


def _usage(owner: str) -> tuple[int, float] | None:
    """Resident memory in KB and processor seconds so far of a process; None when it is gone."""
    pid = pid_of(owner)
    try:
        stat = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    except OSError:
        return None
    if start_time(pid) != owner.rpartition(":")[2]:
        return None
    return pages * os.sysconf("SC_PAGE_SIZE") // 1024, (int(stat[11]) + int(stat[12])) / TICKS_PER_SECOND
