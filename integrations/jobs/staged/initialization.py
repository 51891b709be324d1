"""BaseInitializationJob: the history of a new connection, read once, in windows that go back in time."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar

from django.utils import timezone

from integrations.jobs.outcomes import Decision
from integrations.jobs.staged import data_migrations
from integrations.jobs.staged.staging import StagingJob
from integrations.models import InitStatus, Integration
from synclogs.models import JobQueue, SyncPhase, SyncTrigger
from synclogs.redaction import redact_text


class BaseInitializationJob(StagingJob):
    """Runs once when a connection is made, and when an operator wants it. A subclass writes `initialize`.

    It is entered again after a crash or a Postpone, and goes on at its cursors. While it is not done the
    connection is not polled.
    """

    queue: ClassVar[JobQueue] = JobQueue.INIT
    timeout: ClassVar[int] = 600

    @abstractmethod
    def initialize(self) -> None:
        """Read what lies further back than a poll (`self.stage(page)`), and set up what is needed."""

    def handle(self) -> str | None:
        """Open the run, or take it up; then the history, then the provider's data migrations."""
        self.open_run()
        self.run.note(phase=SyncPhase.FETCHING)
        self._set_status(InitStatus.RUNNING)
        self.initialize()
        data_migrations.apply(self.integration, self.check)
        return None

    @property
    def trigger(self) -> str:
        """The first connection, unless somebody asked for it again."""
        return str(self.args.get("trigger", SyncTrigger.INIT))

    def on_succeeded(self) -> None:
        """The connection is initialized: from now on it is polled."""
        self._set_status(InitStatus.DONE, initialized_at=timezone.now(), next_attempt_at=None)
        self._fetched()

    def on_failed(self, decision: Decision) -> None:
        """Say so on the connection; an operator starts it again."""
        self._set_status(
            InitStatus.FAILED,
            last_error_at=timezone.now(),
            last_error_code=decision.code,
            last_error_message=redact_text(decision.message)[:500],
        )
        self._fetched_in_part(decision)

    def on_cancelled(self) -> None:
        """A cancelled initialization has to be started by hand, like a failed one."""
        self._set_status(InitStatus.FAILED, last_error_code="cancelled")
        super().on_cancelled()

    def _set_status(self, status: InitStatus, **changes: Any) -> None:
        if self.job.integration_id is not None:
            Integration.objects.filter(pk=self.job.integration_id).update(init_status=status, **changes)

    @classmethod
    def unique_key(cls, integration: Integration | None, args: Mapping[str, Any]) -> str:
        """One initialization of a connection at a time."""
        connection = getattr(integration, "pk", "-")
        instance_type = getattr(integration, "instance_type", "-")
        return f"{cls.provider}_init_{connection}_{instance_type}"
