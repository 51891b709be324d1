"""The base of jobs that write a day's rows from what the database holds already."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from datetime import date
from typing import Any, ClassVar

from django.db import transaction

from circuits.days import today
from circuits.workstudio.table import PROVIDER
from integrations.jobs.outcomes import JobFailed
from integrations.jobs.sync_job import BaseSyncJob
from integrations.sync.halving import write_by_halves
from integrations.sync.records import Refused
from synclogs.counts import Counts
from synclogs.issues import IssueBook
from synclogs.models import JobQueue

Row = dict[str, Any]


class FillDayJob(BaseSyncJob):
    """Inserts the rows that circuits lack on `args["date"]` (ISO; today in New York when absent).

    However often it is asked for, there is one row a circuit and day: the first. `noun` names the rows.
    """

    provider = PROVIDER
    fetches: ClassVar[bool] = False
    queue: ClassVar[JobQueue] = JobQueue.PROCESS
    timeout: ClassVar[int] = 300
    batch_size: ClassVar[int] = 2000
    noun: ClassVar[str]

    @abstractmethod
    def count_all(self) -> int:
        """How many circuits have such a row in the end."""

    @abstractmethod
    def missing_on(self, day: date) -> list[int]:
        """The ids of the circuits that lack theirs, sorted."""

    @abstractmethod
    def rows(self, circuit_ids: Sequence[int], day: date) -> list[Row]:
        """The rows of these circuits, not written yet; each has a `circuit_id`."""

    @abstractmethod
    def insert(self, rows: Sequence[Row]) -> None:
        """Write rows; one that exists is left alone. Raises DataError or IntegrityError when refused."""

    def sync(self) -> None:
        """Skip what is there, insert the rest batch by batch."""
        day = date.fromisoformat(self.args["date"]) if self.args.get("date") else today()
        self._issues = IssueBook(self.run, self.noun)
        missing = self.missing_on(day)
        if "after" not in self.run.checkpoint:
            there = self.count_all() - len(missing)
            self.run.add_batch(Counts(skipped=there), checkpoint={"after": 0})
            self.run.checkpoint = {"after": 0}
        missing = [pk for pk in missing if pk > self.run.checkpoint["after"]]
        self.run.note(records_expected=self.run.counts.processed + len(missing))
        self.claim.reporter.expect(len(missing))
        self.claim.reporter.phase(f"{self.noun} of {day}")
        for start in range(0, len(missing), self.batch_size):
            self.check()
            self._fill(missing[start : start + self.batch_size], day)
        counts = self.run.counts
        if counts.failed and not counts.created:
            raise JobFailed(
                f"None of {counts.failed} {self.noun} could be taken.",
                code="all_records_failed",
                actionable_message="Read the issues for the database's reason.",
            )

    def finish(self) -> None:
        """End the run: with a warning when a row could not be written."""
        failed = self.run.counts.failed
        if failed:
            message = f"{failed} {self.noun} could not be taken: see the issues."
            self.run.complete_with_warning(message, code="records_lost")
        else:
            self.run.complete()

    def _fill(self, circuit_ids: Sequence[int], day: date) -> None:
        with transaction.atomic():
            rows = self.rows(circuit_ids, day)
            refused = [
                Refused(0, str(row["circuit_id"]), error) for row, error in write_by_halves(rows, self.insert)
            ]
            self._issues.add(refused)
            counts = Counts(created=len(rows) - len(refused), failed=len(refused))
            self.run.add_batch(counts, checkpoint={"after": circuit_ids[-1]})
        self.claim.reporter.advance(counts)
