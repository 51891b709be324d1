"""SyncCircuitsJob: every wanted status from WorkStudio to the database, as one run."""

from __future__ import annotations

import logging
from typing import Any, ClassVar

from django.db.models import Count

from circuits.aggregates.job import SyncCircuitAggregatesJob
from circuits.aggregates.selection import Wanted
from circuits.days import today
from circuits.models import Circuit
from circuits.snapshots.job import CreateDailySnapshotsJob
from circuits.statuses import ApiStatus, parse_api_status
from circuits.sync.planners import PlannerLinks
from circuits.sync.regions import RegionBook
from circuits.sync.selection import split_by_switch
from circuits.sync.splits import link_split_circuits
from circuits.sync.stream import CircuitStream
from circuits.workstudio.choosing import choose_logins
from circuits.workstudio.client import WorkStudioClient
from circuits.workstudio.errors import WorkStudioUnavailable
from circuits.workstudio.table import PROVIDER
from integrations.jobs.outcomes import JobFailed
from integrations.jobs.registry import register_job
from integrations.jobs.sync_job import BaseSyncJob
from integrations.sync.parts import Parts
from integrations.sync.writer import BATCH_SIZE, Writer

logger = logging.getLogger("syncplatform.circuits")

DEFAULT_STATUSES = (ApiStatus.ACTIV,)


@register_job
class SyncCircuitsJob(BaseSyncJob):
    """Fetches the circuits of each status in `args["statuses"]` and takes them in: docs/workstudio.md.

    Statuses that were finished stay finished when a later one fails, and are not asked for again when the
    job is taken up after a crash.
    """

    name = "circuits.sync_circuits"
    provider = PROVIDER
    job_type = "circuit_list"
    sync_type: ClassVar[str] = "circuit_list"
    batch_size: ClassVar[int] = BATCH_SIZE

    def sync(self) -> None:
        """Health check, then one call a status."""
        self._parts = Parts(self.run)
        memo = self._parts.memo
        self._pending_permissions: list[int] = memo.get("pending_permissions", [])
        self._empty: list[str] = memo.get("empty", [])
        self._regions, self._planners = RegionBook(), PlannerLinks(memo.get("sightings"))
        statuses = self._statuses_to_do()
        if statuses:
            with WorkStudioClient(choose_logins(self.job.account)) as client:
                if not client.health_check():
                    raise WorkStudioUnavailable("WorkStudio API is unavailable")
                for status in statuses:
                    self._sync_status(client, status)
        self._fail_if_nothing_was_taken()

    def finish(self) -> None:
        """Link splits, count unknown planners, ask for what follows, and end the run.

        It ends with a warning when records were left out or a status was suspiciously empty.
        """
        link_split_circuits()
        self._planners.store_sightings()
        self._ask_for_follow_ups()
        messages = self._unusually_empty()
        failed = self.run.counts.failed
        if failed:
            noun = "record" if failed == 1 else "records"
            messages.insert(0, f"{failed} {noun} could not be taken: see the issues.")
        if messages:
            code = "records_lost" if failed else "unusual_zero"
            self.run.complete_with_warning(" ".join(messages), code=code)
        else:
            self.run.complete()

    def _ask_for_follow_ups(self) -> None:
        """Queue today's snapshots, and the planned units of circuits that wait for permissions."""
        self._queue(CreateDailySnapshotsJob, {"date": today().isoformat()})
        if self._pending_permissions:
            waiting = Wanted(tuple(set(self._pending_permissions)), force=True)
            self._queue(SyncCircuitAggregatesJob, waiting.as_args())

    def _queue(self, cls: type[BaseSyncJob], args: dict[str, Any]) -> None:
        cls.dispatch(
            account=self.job.account, integration=self.integration, args=args | {"trigger": self.trigger}
        )

    def _statuses_to_do(self) -> list[ApiStatus]:
        """The wanted statuses in order, without those switched off or finished before a crash."""
        wanted = [parse_api_status(text) for text in self.args.get("statuses") or DEFAULT_STATUSES]
        statuses, off = split_by_switch(wanted)
        if off:
            self.run.note(context=self.run.context | {"switched_off": [status.value for status in off]})
        return [status for status in statuses if status.value not in self._parts.done]

    def _sync_status(self, client: WorkStudioClient, status: ApiStatus) -> None:
        self.check()
        part = self._parts.begin(status.value, CircuitStream.name)
        reporter = self.claim.reporter
        reporter.phase(f"{status.value}: asking WorkStudio")
        table = client.circuits(status)
        if not len(table):
            self._empty.append(status.value)
        self.run.note(records_expected=self.run.counts.processed + len(table))
        reporter.expect(len(table))
        reporter.phase(status.value)
        stream = CircuitStream(table, status, self._regions, self._planners, self.run)
        writer = Writer(
            stream,
            self.run,
            part,
            batch_size=self.batch_size,
            check=self.check,
            on_batch=reporter.advance,
        )
        writer.write(table.drain())
        self._pending_permissions += stream.pending_permissions
        self._parts.end(part, self._memo())

    def _memo(self) -> dict[str, Any]:
        """What the end of the run needs from the statuses done so far, in case another process gets there."""
        return {
            "pending_permissions": self._pending_permissions,
            "empty": self._empty,
            "sightings": self._planners.sightings,
        }

    def _unusually_empty(self) -> list[str]:
        """No rows is no error, but a wrong filter or a lost right looks just like it."""
        if not self._empty:
            return []
        known = Circuit.objects.present().filter(api_status__in=self._empty).order_by("api_status")
        return [
            f"WorkStudio returned no {status} circuits, but the last syncs found some ({count}): "
            "check the filter's name and the account's region rights."
            for status, count in known.values_list("api_status").annotate(count=Count("pk"))
        ]

    def _fail_if_nothing_was_taken(self) -> None:
        counts = self.run.counts
        if counts.failed and not counts.taken:
            raise JobFailed(
                f"None of the {counts.failed} records could be taken.",
                code="all_records_failed",
                actionable_message="Read the issues: the reply's shape has probably changed.",
            )
