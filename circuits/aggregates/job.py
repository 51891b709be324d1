"""SyncCircuitAggregatesJob: what is planned on circuits, as numbers, from WorkStudio."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from typing import Any, ClassVar

from django.db import transaction
from django.utils import timezone

from circuits.aggregates import store
from circuits.aggregates.fetch import Fetched, fetch
from circuits.aggregates.selection import Wanted, WorkOrder, planners_of, work_orders
from circuits.aggregates.store import Fresh
from circuits.aggregates.totals import UnitBook
from circuits.days import today
from circuits.events import PlannedUnitsSynced, announce
from circuits.workstudio.choosing import choose_logins
from circuits.workstudio.client import WorkStudioClient
from circuits.workstudio.errors import WorkStudioUnavailable
from circuits.workstudio.table import PROVIDER
from integrations.http.errors import IntegrationError, RecordError
from integrations.jobs.outcomes import JobCancelled, JobFailed
from integrations.jobs.registry import register_job
from integrations.jobs.sync_job import BaseSyncJob
from integrations.sync.halving import write_by_halves
from integrations.sync.records import Refused
from synclogs.counts import Counts
from synclogs.issues import IssueBook

logger = logging.getLogger("syncplatform.circuits")

STREAM = "planned_units"


@register_job
class SyncCircuitAggregatesJob(BaseSyncJob):
    """Fetches the planned units of each wanted work order and keeps their sums: docs/workstudio.md.

    The arguments are those of `Wanted`. A run that is taken up after a crash goes on behind the last work
    order that was written.
    """

    name = "circuits.sync_aggregates"
    provider = PROVIDER
    job_type = "aggregates"
    sync_type: ClassVar[str] = "aggregates"
    batch_size: ClassVar[int] = 50

    def sync(self) -> None:
        """Health check, then one call a work order."""
        checkpoint = self.run.checkpoint
        self._book = UnitBook.read(checkpoint.get("unknown_codes"))
        self._issues = IssueBook(self.run, STREAM)
        orders = work_orders(Wanted.from_args(self.args), after=checkpoint.get("after", ""))
        circuits = sum(len(order.circuits) for order in orders)
        self.run.note(records_expected=self.run.counts.processed + circuits)
        self.claim.reporter.expect(circuits)
        if orders:
            logins = choose_logins(self.job.account, planners_of(orders))
            with WorkStudioClient(logins) as client:
                if not client.health_check():
                    raise WorkStudioUnavailable("WorkStudio API is unavailable")
                self.claim.reporter.phase("planned units")
                self._fetch_and_store(client, orders)
        self._fail_if_nothing_was_taken()

    def finish(self) -> None:
        """End the run: with a warning when something could not be fetched, read or measured."""
        failed, unreadable = self.run.counts.failed, self.run.extra_counts.get("units_refused", 0)
        messages = []
        if failed:
            messages.append(f"{failed} circuits keep their earlier numbers: see the issues.")
        if unreadable:
            messages.append(f"{unreadable} planned units could not be read: see the issues.")
        unknown = self._book.unknown
        if unknown:
            codes = ", ".join(f"{code} ({count})" for code, count in sorted(unknown.items())[:20])
            messages.append(f"Unit codes counted but not measured, as they have no unit type: {codes}.")
            logger.warning("unit codes without a unit type: %s", codes)
        if messages:
            code = "records_lost" if failed or unreadable else "unknown_unit_codes"
            self.run.complete_with_warning(" ".join(messages), code=code)
        else:
            self.run.complete()

    def _fetch_and_store(self, client: WorkStudioClient, orders: Sequence[WorkOrder]) -> None:
        """Write every so many work orders; what was fetched before a failure is written too."""
        batch: list[Fetched] = []
        try:
            for fetched in fetch(client, orders, self._book, self.check):
                batch.append(fetched)
                if len(batch) == self.batch_size:
                    self._store(batch)
                    batch = []
        except (IntegrationError, JobCancelled):
            self._store(batch)
            raise
        self._store(batch)

    def _store(self, batch: Sequence[Fetched]) -> None:
        """Write one batch with its counts and how far it goes, in one transaction."""
        if not batch:
            return
        day = today()
        fresh = [one for fetched in batch for one in fetched.fresh]
        with transaction.atomic():
            difference = store.compare(fresh, day)
            refused = {
                one.circuit.pk: _refusal(one.circuit.work_order, error)
                for one, error in write_by_halves(
                    difference.created + difference.updated, lambda rows: store.write(rows, day)
                )
            }
            store.stamp([one.circuit.pk for one in fresh if one.circuit.pk not in refused])
            self._issues.add([*_issues(batch), *refused.values()])
            created = [one for one in difference.created if one.circuit.pk not in refused]
            updated = [one for one in difference.updated if one.circuit.pk not in refused]
            not_fetched = sum(len(fetched.work_order.circuits) for fetched in batch if fetched.error)
            counts = Counts(
                created=len(created),
                updated=len(updated),
                unchanged=len(difference.unchanged),
                skipped=len(difference.skipped),
                failed=not_fetched + len(refused),
            )
            self.run.add_batch(counts, **self._progress(batch, len(created)))
            self._announce(created + updated)
        self.claim.reporter.advance(counts)

    def _announce(self, written: Sequence[Fresh]) -> None:
        now = timezone.now()
        announce(
            PlannedUnitsSynced(
                circuit_id=one.circuit.pk,
                work_order=one.circuit.work_order,
                sync_id=self.run.pk,
                total_units=(one.numbers or {})["total_units"],
                synced_at=now,
            )
            for one in written
        )

    def _progress(self, batch: Sequence[Fetched], created: int) -> dict[str, Any]:
        extra = dict(self.run.extra_counts)
        added = {
            "aggregates_created": created,
            "units": sum(fetched.units for fetched in batch),
            "units_refused": sum(len(fetched.refused) for fetched in batch),
        }
        self.run.extra_counts = extra | {name: extra.get(name, 0) + count for name, count in added.items()}
        self.run.checkpoint = {
            "after": batch[-1].work_order.number,
            "unknown_codes": dict(self._book.unknown),
        }
        return {"extra_counts": self.run.extra_counts, "checkpoint": self.run.checkpoint}

    def _fail_if_nothing_was_taken(self) -> None:
        counts = self.run.counts
        if counts.failed and counts.failed == counts.processed:
            raise JobFailed(
                f"The planned units of none of the {counts.failed} circuits could be taken.",
                code="all_records_failed",
                actionable_message="Read the issues: the view or the account's rights have probably changed.",
            )


def _issues(batch: Sequence[Fetched]) -> Iterator[Refused]:
    for fetched in batch:
        yield from fetched.refused
        if fetched.error is not None:
            yield _refusal(
                fetched.work_order.number, RecordError(fetched.error.message, code=fetched.error.code)
            )


def _refusal(work_order: str, error: RecordError) -> Refused:
    return Refused(0, work_order, error, f"SS_WO={work_order!r}")
