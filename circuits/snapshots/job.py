"""CreateDailySnapshotsJob: every open circuit as it stands today, once a day."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import ClassVar

from django.db import transaction

from circuits.days import today
from circuits.snapshots import create
from circuits.workstudio.table import PROVIDER
from integrations.jobs.outcomes import JobFailed
from integrations.jobs.registry import register_job
from integrations.jobs.sync_job import BaseSyncJob
from integrations.sync.halving import write_by_halves
from integrations.sync.records import Refused
from synclogs.counts import Counts
from synclogs.issues import IssueBook
from synclogs.models import JobQueue

STREAM = "snapshots"


@register_job
class CreateDailySnapshotsJob(BaseSyncJob):
    """Takes the daily snapshots of `args["date"]` (ISO; today in New York when absent) that are missing.

    However often it is asked for, there is one snapshot a circuit and day: the first.
    """

    name = "circuits.create_daily_snapshots"
    provider = PROVIDER
    job_type = "snapshots"
    sync_type: ClassVar[str] = "snapshots"
    queue: ClassVar[JobQueue] = JobQueue.PROCESS
    timeout: ClassVar[int] = 300
    batch_size: ClassVar[int] = 2000

    def sync(self) -> None:
        """Skip what is there, insert the rest batch by batch."""
        day = date.fromisoformat(self.args["date"]) if self.args.get("date") else today()
        self._issues = IssueBook(self.run, STREAM)
        missing = create.missing_on(day)
        if "after" not in self.run.checkpoint:
            there = create.circuits_to_snap().count() - len(missing)
            self.run.add_batch(Counts(skipped=there), checkpoint={"after": 0})
            self.run.checkpoint = {"after": 0}
        missing = [pk for pk in missing if pk > self.run.checkpoint["after"]]
        self.run.note(records_expected=self.run.counts.processed + len(missing))
        self.claim.reporter.expect(len(missing))
        self.claim.reporter.phase(f"snapshots of {day}")
        for circuit_ids in create.batches(missing, self.batch_size):
            self.check()
            self._snap(circuit_ids, day)
        counts = self.run.counts
        if counts.failed and not counts.created:
            raise JobFailed(
                f"None of {counts.failed} snapshots could be taken.",
                code="all_records_failed",
                actionable_message="Read the issues for the database's reason.",
            )

    def _snap(self, circuit_ids: Sequence[int], day: date) -> None:
        with transaction.atomic():
            rows = create.daily_rows(circuit_ids, day)
            refused = [
                Refused(0, str(row["circuit_id"]), error)
                for row, error in write_by_halves(rows, create.insert)
            ]
            self._issues.add(refused)
            counts = Counts(created=len(rows) - len(refused), failed=len(refused))
            self.run.add_batch(counts, checkpoint={"after": circuit_ids[-1]})
        self.claim.reporter.advance(counts)

    def finish(self) -> None:
        """End the run: with a warning when a snapshot could not be taken."""
        failed = self.run.counts.failed
        if failed:
            message = f"{failed} snapshots could not be taken: see the issues."
            self.run.complete_with_warning(message, code="records_lost")
        else:
            self.run.complete()

    def on_succeeded(self) -> None:
        """End the run; it says nothing about the connection, as nothing was fetched."""
        self.finish()
