"""Keeping leases alive while their jobs work."""

from __future__ import annotations

import logging
import threading
import time
from types import TracebackType
from typing import Self
from uuid import UUID

from django.conf import settings
from django.db import Error as DatabaseError
from django.db import connection

from integrations.jobs.claim import Claim, lease_end
from integrations.jobs.outcomes import JobCancelled, LeaseLost
from synclogs.models import Job, JobStatus

logger = logging.getLogger("syncplatform.jobs")


class LeaseKeeper:
    """A daemon thread that renews the leases of one claim every quarter lease, and hears of cancellation.

    The claims share one token. The thread's database connection is opened at the first renewal, so that short
    jobs pay nothing, and closed at the end.
    """

    def __init__(self, *claims: Claim) -> None:
        self._token = claims[0].token
        self._held = frozenset(held.job.pk for held in claims)
        self._lost: set[UUID] = set()
        self._cancelled = {held.job.pk for held in claims if held.job.cancel_requested_at}
        self._interval = settings.JOB_LEASE_SECONDS / 4
        self._renewed_at = time.monotonic()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._keep, name=f"lease-{self._token[:8]}", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._stop.set()
        self._thread.join(timeout=5)

    def check(self, job_id: UUID) -> None:
        """Raise LeaseLost or JobCancelled when the work on this job should stop; called between batches."""
        if job_id in self._lost:
            raise LeaseLost(f"the lease of job {job_id} lapsed")
        if job_id in self._cancelled:
            raise JobCancelled

    def is_cancelled(self, job_id: UUID) -> bool:
        """Whether an operator wants this job to stop, as far as is known."""
        return job_id in self._cancelled

    def is_overdue(self) -> bool:
        """Whether the leases were not renewed for so long that others may have claimed the jobs."""
        return time.monotonic() - self._renewed_at > settings.JOB_LEASE_SECONDS

    def _keep(self) -> None:
        wait = self._interval
        try:
            while not self._stop.wait(wait):
                wait = self._interval
                try:
                    if not self._renew():
                        return
                except DatabaseError:
                    logger.warning("leases of claim %s not renewed, trying again", self._token[:8])
                    connection.close()
                    wait = self._interval / 4
        finally:
            connection.close()

    def _renew(self) -> bool:
        """Renew what is held; false when nothing is any more."""
        mine = Job.objects.filter(pk__in=self._held, lease_token=self._token, status=JobStatus.RUNNING)
        asked_at = time.monotonic()
        renewed = mine.update(lease_until=lease_end())
        self._renewed_at = asked_at if renewed else self._renewed_at
        wishes = dict(mine.values_list("pk", "cancel_requested_at")) if renewed else {}
        self._cancelled |= {pk for pk, requested in wishes.items() if requested}
        self._lost |= self._held - wishes.keys()
        return bool(wishes)
