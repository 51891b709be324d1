"""BaseFetchJob: polls one connection and stores what came, for processing jobs to take up."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, ClassVar

from django.utils import timezone
from django.utils.dateparse import parse_datetime

from integrations.jobs import connection_health, dispatch
from integrations.jobs.outcomes import Decision, JobFailed
from integrations.jobs.staged.page import CursorMove, Page
from integrations.jobs.staged.staging import StagingJob
from integrations.models import Integration
from synclogs.models import JobQueue, SyncPhase


class BaseFetchJob(StagingJob):
    """Calls one vendor for one connection. A subclass writes `fetch_data`.

    With `args["since"]` (an ISO time) it reads again from there; the live cursors stay where they are.
    """

    queue: ClassVar[JobQueue] = JobQueue.FETCH
    timeout: ClassVar[int] = 120
    backoff: ClassVar[tuple[float, ...]] = (60, 300, 600)

    @abstractmethod
    def fetch_data(self) -> Iterable[Page]:
        """The vendor's pages, each asked for when the one before it is stored."""

    def dispatch_processing_jobs(self, raw: Page) -> None:
        """Store one page with the jobs that process it."""
        self.stage(raw)

    def handle(self) -> str | None:
        """Open the run, or take up the one that was left, and store page after page."""
        self.open_run()
        self.run.note(phase=SyncPhase.FETCHING)
        Integration.objects.filter(pk=self.integration.pk).update(processing_started_at=timezone.now())
        for raw in self.fetch_data():
            self.dispatch_processing_jobs(raw)
        return None

    @property
    def since(self) -> datetime | None:
        """From when an operator wants everything read again; None for an ordinary poll."""
        text = self.args.get("since")
        if not text:
            return None
        moment = parse_datetime(str(text))
        if moment is None or timezone.is_naive(moment):
            raise JobFailed(f"since is no time with a time zone: {text}", code="bad_arguments")
        return moment

    def on_succeeded(self) -> None:
        """Let go of the lock: the next poll need not wait until what is stored is processed."""
        connection_health.worked(self.integration)
        self._fetched()

    def on_failed(self, decision: Decision) -> None:
        """Say so on the connection. Chunks that were stored are processed all the same."""
        if self.job.integration is not None:
            connection_health.failed(self.job.integration, decision)
        self._fetched_in_part(decision)

    def on_cancelled(self) -> None:
        """Nothing more comes; what is stored is processed, and the run ends as cancelled."""
        if self.job.integration_id is not None:
            Integration.objects.filter(pk=self.job.integration_id).update(processing_started_at=None)
        super().on_cancelled()

    def _move(self, integration: Integration, move: CursorMove) -> None:
        if self.since is None:
            super()._move(integration, move)

    @classmethod
    def unique_key(cls, integration: Integration | None, args: Mapping[str, Any]) -> str:
        """One poll of a connection at a time; reading again from a date is work of its own."""
        day = f"{timezone.now():%Y-%m-%d}"
        options = {key: value for key, value in args.items() if key not in dispatch.NOT_PART_OF_THE_WORK}
        work = f"{day}_{dispatch.args_digest(options)}" if options else day
        return f"{cls.provider}_{cls.job_type}_{getattr(integration, 'pk', '-')}_{work}"
