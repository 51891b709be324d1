"""Watching the queue from outside it: the job that looks for trouble cannot run where nothing runs."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from datetime import timedelta

from django.utils import timezone

from integrations.alerts.check_job import CheckQueueJob
from integrations.alerts.checks import check_queue
from synclogs.models import Job, JobStatus

logger = logging.getLogger("syncplatform.workers")

LOOK_SECONDS = 60.0
OVERDUE = timedelta(minutes=11)


class QueueWatch:
    """Checks the queue in the supervisor's process when the job that does so has not for eleven minutes.

    Its alerts are rows at once; their notices are jobs and leave when a worker is back, so it logs them too.
    It looks once a minute, and not before the supervisor itself has run for that long.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._next = clock() + OVERDUE.total_seconds()

    def __call__(self) -> None:
        """Look, when it is time."""
        if self._clock() < self._next:
            return
        self._next = self._clock() + LOOK_SECONDS
        if not _checked_lately():
            for problem in check_queue():
                logger.error("the queue is in trouble: %s. %s", problem.message, problem.actionable_message)


def _checked_lately() -> bool:
    done = Job.objects.filter(name=CheckQueueJob.name, status=JobStatus.SUCCEEDED)
    return done.filter(finished_at__gte=timezone.now() - OVERDUE).exists()
