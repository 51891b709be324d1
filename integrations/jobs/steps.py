"""The steps of a job under the names that workers of the older console know: docs/jobs.md, "Older names".

They are the one path, not a second one: each is called by it, or goes into it.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar
from uuid import UUID

from integrations.jobs.decide import decide
from integrations.jobs.job_metrics import log_job_metrics
from integrations.jobs.outcomes import Decision, JobFailed, Next
from synclogs.critical import handle_worker_error, is_critical_error, send_error_alert, worker_name
from synclogs.models import Job

if TYPE_CHECKING:
    from integrations.jobs.claim import Claim


class JobSteps:
    """What a job class may replace, or call, besides `handle` and the hooks of its ends.

    `required_args` names the arguments without which it cannot work, and their types.
    """

    name: ClassVar[str]
    backoff: ClassVar[tuple[float, ...]]
    postpone_cap_s: ClassVar[float | None]
    required_args: ClassVar[Mapping[str, type]] = {}

    claim: Claim
    job: Job

    is_critical_error = staticmethod(is_critical_error)
    log_job_metrics = staticmethod(log_job_metrics)

    @abstractmethod
    def handle(self) -> str | None:
        """Do the work."""

    @classmethod
    def process_job(cls, job: Job | UUID | str) -> bool:
        """Claim a job that is due and work on it here; whether it succeeded.

        False too when it is not to be had. Raises KeyboardInterrupt and SystemExit only, once the job is
        cancelled or put back.
        """
        from integrations.jobs.runner import run_here

        decision = run_here(job.pk if isinstance(job, Job) else job)
        return decision is not None and decision.next is Next.SUCCEED

    def validate_job_data(self, job_data: Mapping[str, Any]) -> None:
        """Look at the arguments before any work. Raises JobFailed, which is not retried."""
        for name, kind in self.required_args.items():
            if not isinstance(job_data.get(name), kind):
                raise JobFailed(
                    f"argument {name} should be {kind.__name__}, and is {job_data.get(name)!r}",
                    code="bad_arguments",
                    actionable_message=f"Dispatch {self.name} again with a proper {name}.",
                )

    def execute_job(self, job_data: Mapping[str, Any]) -> str | None:
        """The work itself."""
        return self.handle()

    def should_retry_job(self, error: BaseException, job_data: Mapping[str, Any]) -> bool:
        """Whether the job is to be tried again after this error."""
        return self.decide(error).next is Next.RETRY

    def retry_job(self, job: Job, delay: float | None = None) -> Decision:
        """End this try as failed and have the job wait `delay` seconds (None: what `backoff` says)."""
        waits = self.backoff[job.attempts : job.attempts + 1] or self.backoff[-1:] or (0.0,)
        wait = waits[0] if delay is None else delay
        decision = Decision(Next.RETRY, "retry asked for", reason=f"retry after {wait:g} s", wait_s=wait)
        return self._end(decision)

    def handle_job_failure(self, job: Job, error: BaseException) -> Decision:
        """End the job as failed for good, with its hook `on_failed` and an alert when it is critical."""
        decision = self.decide(error)
        if decision.next is not Next.FAIL:
            code = decision.code or "error"
            decision = Decision(Next.FAIL, "given up", error=error, code=code)
        return self._end(decision)

    def handle_worker_error(self, error: BaseException, context: Mapping[str, Any] | None = None) -> None:
        """Log and count an error of this worker, and alert when it is critical."""
        handle_worker_error(error, self.get_worker_name(), context, account_id=self.job.account_id)

    def send_error_alert(self, error: BaseException, context: Mapping[str, Any] | None = None) -> None:
        """Open or count the alert of a critical error; nothing for others."""
        send_error_alert(error, self.get_worker_name(), context, account_id=self.job.account_id)

    @classmethod
    def get_worker_name(cls) -> str:
        """The class's name as metrics and logs have it."""
        return worker_name(cls)

    def decide(self, error: BaseException) -> Decision:
        """What the rules say about an error of this job."""
        return decide(
            error,
            attempts=self.job.attempts,
            backoff=self.backoff,
            postponed_s=self.job.postponed_s,
            postpone_cap_s=self.postpone_cap_s,
        )

    def _end(self, decision: Decision) -> Decision:
        from integrations.jobs.base import BaseJob
        from integrations.jobs.runner import end

        return end(self.claim, self if isinstance(self, BaseJob) else None, decision)
