"""A job that is a run: it opens one, or takes up the one that a killed predecessor left."""

from __future__ import annotations

import logging
from typing import ClassVar

from django.db import transaction

from accounts.models import User
from integrations.jobs.base import BaseJob
from integrations.jobs.outcomes import Decision, LeaseLost
from integrations.models import Integration
from synclogs.models import Job, JobStatus, SyncLog, SyncPhase, SyncTrigger

logger = logging.getLogger("syncplatform.jobs")


class RunJob(BaseJob):
    """A run over one connection. `sync_type` is what is synced (the job's type where nothing is said)."""

    sync_type: ClassVar[str] = ""

    run: SyncLog
    resumed = False

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
                integration=self.job.integration,
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

    @property
    def run_type(self) -> str:
        """What the run syncs, as it is kept on it."""
        return self.sync_type or self.job_type

    @property
    def lock_key(self) -> str | None:
        """What keeps runs apart that must not work at the same time; None where all may."""
        return self.integration.lock_key(self.run_type)

    def run_context(self) -> dict[str, object]:
        """What the run is about, kept on it for operators."""
        return {key: value for key, value in self.args.items() if key not in ("trigger", "triggered_by")}

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
