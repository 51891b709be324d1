"""The base of every job class."""

from __future__ import annotations

import logging
from abc import ABC, abstractmethod
from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar

from accounts.models import Account, User
from integrations.jobs import dispatch
from integrations.jobs.claim import Claim
from integrations.jobs.lease import LeaseKeeper
from integrations.jobs.outcomes import Decision
from integrations.jobs.steps import JobSteps
from synclogs.models import Job, JobQueue

if TYPE_CHECKING:
    from integrations.models import Integration

logger = logging.getLogger("syncplatform.jobs")


class BaseJob(JobSteps, ABC):
    """One kind of background work. A subclass names itself, says its limits and writes `handle`.

    `timeout` is in seconds; `backoff` lists the seconds to wait before each retry of a reported failure,
    so its length is `max_retries`. `postpone_cap_s` is how many seconds it may be postponed in all
    (None: JOB_POSTPONE_CAP_HOURS). `short` jobs take well under a second and open no run: one delivery runs
    up to twenty of them. A job that calls no vendor says so with `fetches`: how it ends then says nothing
    about its connection. Arguments are ids and slugs, never payloads or secrets.
    """

    name: ClassVar[str]
    provider: ClassVar[str] = ""
    job_type: ClassVar[str] = ""
    queue: ClassVar[JobQueue] = JobQueue.DEFAULT
    timeout: ClassVar[int] = 300
    max_retries: ClassVar[int] = 0
    backoff: ClassVar[tuple[float, ...]] = ()
    postpone_cap_s: ClassVar[float | None] = None
    short: ClassVar[bool] = False
    fetches: ClassVar[bool] = True

    def __init_subclass__(cls, **kwargs: Any) -> None:
        """Keep `max_retries` true to `backoff`."""
        super().__init_subclass__(**kwargs)
        cls.max_retries = len(cls.backoff)

    def __init__(self, claim: Claim, lease: LeaseKeeper) -> None:
        self.claim = claim
        self.job = claim.job
        self._lease = lease

    @property
    def args(self) -> Mapping[str, Any]:
        """The job's arguments, as they were dispatched."""
        return self.job.args

    @abstractmethod
    def handle(self) -> str | None:
        """Do the work. A returned slug is kept as the job's result; raise to say otherwise."""

    def check(self) -> None:
        """A safe point between batches: raises LeaseLost or JobCancelled when the work should stop."""
        self._lease.check(self.job.pk)

    def on_succeeded(self) -> None:
        """Called in the transaction that ends the job well."""

    def on_failed(self, decision: Decision) -> None:
        """Called in the transaction that ends the job badly."""

    def on_cancelled(self) -> None:
        """Called in the transaction that ends a cancelled job."""

    def on_waiting(self, decision: Decision) -> None:
        """Called in the transaction that puts the job back for later (a retry or a Postpone)."""

    @classmethod
    def unique_key(cls, integration: Integration | None, args: Mapping[str, Any]) -> str:
        """What makes two open jobs the same work."""
        parts = (cls.provider or "platform", cls.job_type or cls.name, getattr(integration, "pk", "-"))
        return "_".join([*map(str, parts), dispatch.args_digest(args)])

    @classmethod
    def dispatch(
        cls,
        integration: Integration | None = None,
        *,
        account: Account | None = None,
        args: Mapping[str, Any] | None = None,
        run_at: datetime | None = None,
        queue: JobQueue | None = None,
        retry_of: Job | None = None,
        triggered_by: User | None = None,
        schedule_slot: str | None = None,
    ) -> Job:
        """Commit a job with the caller's transaction; an open job of the same work is returned instead.

        `account` is the connection's unless said; ValueError when there is neither. `schedule_slot` (a
        schedule's name and the intended time) makes a job that never has a second.
        """
        if account is None:
            if integration is None:
                raise ValueError(f"{cls.name} needs an account or a connection")
            account = integration.account
        options = dict(args or {})
        if triggered_by is not None:
            options["triggered_by"] = triggered_by.pk
        return dispatch.create_job(
            cls,
            account,
            integration,
            options,
            run_at=run_at,
            queue=queue,
            retry_of=retry_of,
            schedule_slot=schedule_slot,
        )
