"""Direct mode: a job that takes a vendor's pages straight to the writer, as one run."""

from __future__ import annotations

import logging
from abc import abstractmethod
from typing import ClassVar

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from accounts.models import User
from integrations.jobs.base import BaseJob
from integrations.jobs.outcomes import Decision, LeaseLost
from integrations.models import Integration, IntegrationStatus
from synclogs.models import Job, JobQueue, JobStatus, SyncLog, SyncPhase, SyncTrigger
from synclogs.redaction import redact_text

logger = logging.getLogger("syncplatform.jobs")

CREDENTIAL_CODES = ("unauthorized", "forbidden", "reauth")


class BaseSyncJob(BaseJob):
    """A run over one connection. Two runs with the same lock key never work at the same time.

    A subclass writes `sync`, and `finish` when ending well needs more than `run.complete()`.
    """

    sync_type: ClassVar[str]
    queue: ClassVar[JobQueue] = JobQueue.FETCH
    timeout: ClassVar[int] = 1800

    run: SyncLog
    resumed = False

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

    def open_run(self) -> None:
        """Adopt the open run of this job or start one. Raises SyncAlreadyRunning when the lock is held."""
        if self.claim.run is not None:
            self.run = self.claim.run
            self.resumed = self.claim.adopted
            if self.resumed:
                logger.warning("run %s of %s is taken up where it was left", self.run.pk, self.name)
            return
        with transaction.atomic():
            self.run = SyncLog.objects.start(
                self.run_type,
                self.trigger,
                account=self.job.account,
                provider=self.provider,
                integration=self.integration,
                triggered_by=self._triggered_by(),
                context=self.run_context(),
                lock_key=self.lock_key,
                job=self.job,
                owner_token=self.claim.token,
                retry_of=self.retried_run(),
            )
            mine = Job.objects.filter(pk=self.job.pk, lease_token=self.claim.token, status=JobStatus.RUNNING)
            if not mine.update(run=self.run):
                raise LeaseLost(f"the lease of job {self.job.pk} lapsed before its run was opened")
        self.job.run = self.run
        self.claim.run = self.run

    def run_context(self) -> dict[str, object]:
        """What the run is about, kept on it for operators."""
        return {key: value for key, value in self.args.items() if key not in ("trigger", "triggered_by")}

    @property
    def run_type(self) -> str:
        """What the run syncs, as it is kept on it."""
        return self.sync_type

    @property
    def lock_key(self) -> str:
        """What keeps two runs of this work apart."""
        return self.integration.lock_key(self.run_type)

    @property
    def trigger(self) -> str:
        """Why this run happens; manual unless the dispatcher said otherwise."""
        return str(self.args.get("trigger", SyncTrigger.MANUAL))

    @property
    def integration(self) -> Integration:
        """The connection that this run works on."""
        if self.job.integration is None:
            raise Integration.DoesNotExist(f"job {self.job.pk} has no connection any more")
        return self.job.integration

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

    def on_cancelled(self) -> None:
        """End the run as cancelled; what was done is kept and counted."""
        if self.claim.run is not None:
            self.claim.run.cancel()

    def on_waiting(self, decision: Decision) -> None:
        """Keep the run open while its job waits: it goes on from its checkpoint."""
        if self.claim.run is not None:
            self.claim.run.note(phase=SyncPhase.REQUESTED)

    def _triggered_by(self) -> User | None:
        user_id = self.args.get("triggered_by")
        return User.objects.filter(pk=user_id).first() if user_id else None

    def retried_run(self) -> SyncLog | None:
        """The run that this one tries again."""
        return self.job.retry_of.run if self.job.retry_of is not None else None
