"""Watching the queue from outside it: the job that looks for trouble cannot run where nothing runs."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from datetime import timedelta

from django.db import Error as DatabaseError
from django.db import connection
from django.utils import timezone

from integrations.alerts.check_job import CheckQueueJob
from integrations.alerts.checks import check_queue
from integrations.alerts.notify import NotifyAlert, configured_ways
from integrations.jobs.runner import run_here
from synclogs.models import WAITING_JOB_STATUSES, Job, JobStatus

logger = logging.getLogger("syncplatform.workers")

LOOK_SECONDS = 60.0
NOTICES_AT_ONCE = 20
OVERDUE = timedelta(minutes=11)


class QueueWatch:
    """Checks the queue in the supervisor's process when the job that does so has not for eleven minutes.

    What it finds it logs too. The notices of alerts are jobs, and wait for a worker like any other: while the
    queue is in trouble a thread of the supervisor works on those that wait. It looks once a minute, and not
    before the supervisor itself has run for that long.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._next = clock() + OVERDUE.total_seconds()
        self._notifying: threading.Thread | None = None

    def __call__(self) -> None:
        """Look, when it is time."""
        if self._clock() < self._next:
            return
        self._next = self._clock() + LOOK_SECONDS
        if not _checked_lately():
            problems = check_queue()
            for problem in problems:
                logger.error("the queue is in trouble: %s. %s", problem.message, problem.actionable_message)
            if problems and configured_ways():
                self._notify()

    def _notify(self) -> None:
        """Have the waiting notices sent, unless that is still going on."""
        if self._notifying is None or not self._notifying.is_alive():
            self._notifying = threading.Thread(target=send_waiting_notices, name="notices", daemon=True)
            self._notifying.start()


def send_waiting_notices() -> None:
    """Work on the notices that are due, here; a worker that is faster keeps them."""
    due = Job.objects.filter(
        name=NotifyAlert.name, status__in=WAITING_JOB_STATUSES, run_at__lte=timezone.now()
    )
    try:
        for job_id in list(due.order_by("run_at").values_list("pk", flat=True)[:NOTICES_AT_ONCE]):
            run_here(job_id)
    except DatabaseError as error:
        logger.warning("notices wait: %s", error)
    finally:
        connection.close()


def _checked_lately() -> bool:
    done = Job.objects.filter(name=CheckQueueJob.name, status=JobStatus.SUCCEEDED)
    return done.filter(finished_at__gte=timezone.now() - OVERDUE).exists()
