"""Direct mode: a job that takes a vendor's pages straight to the writer, as one run."""

from __future__ import annotations

from abc import abstractmethod
from typing import ClassVar

from django.db.models import F
from django.utils import timezone

from integrations.jobs.outcomes import Decision
from integrations.jobs.run_job import RunJob
from integrations.models import Integration, IntegrationStatus
from synclogs.models import JobQueue, SyncPhase
from synclogs.redaction import redact_text

CREDENTIAL_CODES = ("unauthorized", "forbidden", "reauth")


class BaseSyncJob(RunJob):
    """A run over one connection. Two runs with the same lock key never work at the same time.

    A subclass writes `sync`, and `finish` when ending well needs more than `run.complete()`.
    """

    queue: ClassVar[JobQueue] = JobQueue.FETCH
    timeout: ClassVar[int] = 1800

    def handle(self) -> str | None:
        """Open the run, or take up the one that a killed predecessor left, and sync."""
        self.open_run()
        self.run.note(phase=SyncPhase.FETCHING)
        self.sync()
        return None

    @abstractmethod
    def sync(self) -> None:
        """Fetch and write, batch by batch. Call `self.check()` between batches."""

    def finish(self) -> None:
        """End the run well; called in the transaction that ends the job, so follow-up jobs belong here."""
        self.run.complete()

    def on_succeeded(self) -> None:
        """End the run and mark the connection as working, in one transaction with the job's end."""
        self.finish()
        if not self.fetches:
            return
        Integration.objects.filter(pk=self.integration.pk).update(
            status=IntegrationStatus.ACTIVE,
            status_reason="",
            error_count=0,
            last_successful_update_at=timezone.now(),
        )

    def on_failed(self, decision: Decision) -> None:
        """End the run with its error, keeping the counts reached, and say so on the connection."""
        message = decision.message
        if self.claim.run is not None:
            details = {"what_to_do": decision.actionable_message, "rule": decision.rule}
            self.claim.run.fail(message, details, code=decision.code)
        if self.job.integration_id is None or not self.fetches:
            return
        changes = {
            "error_count": F("error_count") + 1,
            "last_error_at": timezone.now(),
            "last_error_code": decision.code,
            "last_error_message": redact_text(message)[:500],
        }
        if decision.code in CREDENTIAL_CODES:
            changes |= {"status": IntegrationStatus.NEEDS_ATTENTION, "status_reason": decision.code}
        Integration.objects.filter(pk=self.job.integration_id).update(**changes)
