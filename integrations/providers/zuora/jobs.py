"""SyncCustomerWorkflows: everything of one customer's workflows, as one run."""

from __future__ import annotations

import logging
from typing import Any, ClassVar, Unpack

from django.conf import settings
from django.db.models import QuerySet
from django.utils import timezone

from integrations.http.errors import IntegrationError
from integrations.jobs.dispatch import DispatchOptions
from integrations.jobs.outcomes import Decision, Next
from integrations.jobs.registry import register_job
from integrations.jobs.sync_job import BaseSyncJob
from integrations.models import Integration
from integrations.providers.zuora.access import Access
from integrations.providers.zuora.client import ZuoraClient
from integrations.providers.zuora.errors import PROVIDER, ZuoraAuthenticationError
from integrations.providers.zuora.models import CustomerStatus, Workflow, ZuoraCustomer
from integrations.providers.zuora.streams import RunStream, WorkflowStream
from integrations.sync.parts import Part
from integrations.sync.pull import Pull
from integrations.sync.writer import Writer
from synclogs.models import Job, JobQueue, SyncPhase
from synclogs.redaction import redact_text

logger = logging.getLogger("syncplatform.zuora")

SKIPPED, CUSTOMER_GONE = "skipped", "customer_gone"
REPEATED_FAILURES = 3
MAX_ERROR = 500


@register_job
class SyncCustomerWorkflows(BaseSyncJob):
    """Takes in a customer's workflows, and follows its runs to their end: docs/zuora.md.

    `args` are `customer_id` and `force`, which syncs although the last good sync is less than an hour old.
    """

    name = "zuora.sync_customer_workflows"
    provider = PROVIDER
    job_type = "workflows"
    sync_type: ClassVar[str] = "workflows"
    queue = JobQueue.WORKFLOWS
    timeout = 1800
    backoff = (60, 60)

    _synced: ZuoraCustomer
    _client: ZuoraClient | None = None
    _skipped = False

    @classmethod
    def dispatch(
        cls,
        integration: Integration | int | None = None,
        force: bool = False,
        *,
        customer_id: int | None = None,
        **options: Unpack[DispatchOptions],
    ) -> Job:
        """Commit a job for a customer, named by its id: `dispatch(7)`, `dispatch(7, force=True)`.

        A connection with the arguments of an earlier job is taken too, as for every job class. Raises
        ZuoraCustomer.DoesNotExist for a customer that is not there.
        """
        if isinstance(integration, int):
            customer_id, integration = integration, None
        if customer_id is not None:
            customer = ZuoraCustomer.objects.select_related("account", "integration").get(pk=customer_id)
            integration = customer.integration
            options["account"] = customer.account
            options["args"] = {**(options.get("args") or {}), **sync_args(customer_id, force=force)}
        return super().dispatch(integration, **options)

    def handle(self) -> str | None:
        """Sync, unless the customer is gone or was synced within the last hour."""
        customer = self._customer()
        if customer is None:
            logger.warning("customer %s is gone, nothing to sync", self.args.get("customer_id"))
            return CUSTOMER_GONE
        if self.claim.run is None and self._is_recent(customer):
            return SKIPPED
        self.open_run()
        customer.refresh_from_db()
        if not self.resumed and self._is_recent(customer):
            self._skipped = True
            return SKIPPED
        self._rows().update(last_sync_started_at=timezone.now())
        self.run.note(phase=SyncPhase.FETCHING)
        self._synced = customer
        self.sync()
        return None

    def sync(self) -> None:
        """The workflows, then the runs that have not ended."""
        customer = self._synced
        self._remarks: list[str] = []
        self._remark_code = "incomplete"
        client = ZuoraClient(
            Access.of(customer), inline=self.claim.foreground, track_id=f"syncplatform-{self.run.pk}"
        )
        self._client = client
        client.throttle.resume(
            customer.rate_limit_limit, customer.rate_limit_remaining, customer.rate_limit_reset_at
        )
        with client:
            client.sign_in()
            self._sync_workflows(client, customer)
            self._sync_runs(client, customer)

    def finish(self) -> None:
        """End the run, with a warning when something in it needs a look."""
        if self._skipped:
            self.run.note(context=self.run.context | {"skipped": "synced within the last hour"})
            self.run.complete()
            return
        failed = self.run.counts.failed
        messages = list(self._remarks)
        if failed:
            messages.insert(0, f"{_counted(failed, 'record')} could not be taken: see the issues.")
        if not messages:
            self.run.complete()
            return
        code = "records_lost" if failed else self._remark_code
        self.run.complete_with_warning(" ".join(messages), code=code)

    def on_succeeded(self) -> None:
        """Note the good sync on the customer; one that was skipped leaves everything as it was."""
        if self.claim.run is None:
            return
        if self._skipped or self._customer() is None:
            self.finish()
            return
        super().on_succeeded()
        mended = self._rows().filter(sync_status=CustomerStatus.NEEDS_ATTENTION)
        mended.update(sync_status=CustomerStatus.ACTIVE)
        self._rows().update(
            last_synced_at=timezone.now(), consecutive_failures=0, last_error="", **self._rate_columns()
        )

    def on_failed(self, decision: Decision) -> None:
        """Count the failure; a refused client is not used again until somebody looks."""
        super().on_failed(decision)
        customer = self._customer()
        if customer is None:
            return
        changes: dict[str, Any] = {"consecutive_failures": customer.consecutive_failures + 1}
        if isinstance(decision.error, ZuoraAuthenticationError):
            changes["sync_status"] = CustomerStatus.NEEDS_ATTENTION
        self._rows().update(**changes, **self._error_columns(decision), **self._rate_columns())
        if changes["consecutive_failures"] == REPEATED_FAILURES:
            logger.error(
                "repeated failures",
                extra={"customer_id": customer.pk, "error": redact_text(decision.message)},
            )

    def on_waiting(self, decision: Decision) -> None:
        """Keep what went wrong before a retry, and what Zuora said of its limits."""
        super().on_waiting(decision)
        error = self._error_columns(decision) if decision.next is Next.RETRY else {}
        columns = error | self._rate_columns()
        if columns:
            self._rows().update(**columns)

    def _sync_workflows(self, client: ZuoraClient, customer: ZuoraCustomer) -> None:
        self.claim.reporter.phase(f"{customer.name}: workflows")
        stream = WorkflowStream(client, customer.pk)
        self._pull(stream)
        if stream.found:
            part = Part("asked for by id")
            Writer(stream, self.run, part, check=self.check, on_batch=self.claim.reporter.advance).write(
                stream.found
            )
        if (
            not self.run.counts.processed
            and Workflow.objects.filter(customer=customer, removed_at__isnull=True).exists()
        ):
            self._remarks.append(
                "Zuora listed no workflow, but the last syncs found some: check the client's permissions and "
                "entity. Nothing was marked as removed."
            )
            self._remark_code = "unusual_zero"
        self._remark_on(stream.unclear, "workflow that the list did not show")

    def _sync_runs(self, client: ZuoraClient, customer: ZuoraCustomer) -> None:
        self.claim.reporter.phase(f"{customer.name}: runs")
        stream = RunStream(client, customer.pk, discover=settings.ZUORA_SYNC_RUNS)
        before = self.run.counts.processed
        self._pull(stream)
        runs = self.run.counts.processed - before
        if runs:
            self.run.note(extra_counts=self.run.extra_counts | {"workflow_runs": runs})
        self._remark_on(stream.unclear, "run")

    def _pull(self, stream: WorkflowStream | RunStream) -> None:
        reporter = self.claim.reporter
        Pull(stream, self.run, self.integration, check=self.check, reporter=reporter).run()

    def _remark_on(self, errors: list[IntegrationError], noun: str) -> None:
        if errors:
            count = _counted(len(errors), noun)
            self._remarks.append(f"{count} could not be asked for and is left as it was: {errors[0]}.")

    def _is_recent(self, customer: ZuoraCustomer) -> bool:
        return not self.args.get("force") and customer.is_fresh()

    def _customer(self) -> ZuoraCustomer | None:
        return self._rows().first()

    def _rows(self) -> QuerySet[ZuoraCustomer]:
        number = int(self.args.get("customer_id") or 0)
        return ZuoraCustomer.objects.filter(pk=number, account_id=self.job.account_id)

    def _error_columns(self, decision: Decision) -> dict[str, Any]:
        return {"last_error": redact_text(decision.message)[:MAX_ERROR]}

    def _rate_columns(self) -> dict[str, Any]:
        seen = self._client.throttle.last_seen if self._client else None
        if seen is None:
            return {}
        return {
            "rate_limit_limit": seen.state.limit,
            "rate_limit_remaining": seen.state.remaining,
            "rate_limit_reset_at": seen.resets_at,
        }


def _counted(value: int, noun: str) -> str:
    return f"{value:,} {noun if value == 1 else noun + 's'}"


def sync_args(customer_id: int, *, force: bool) -> dict[str, Any]:
    """The arguments of a sync of this customer."""
    return {"customer_id": customer_id, "force": force}
