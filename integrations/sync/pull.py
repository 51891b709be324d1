"""Pulling a bulk stream: pages to batches, each with its cursor in one transaction; resumable anywhere."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime
from typing import Any

from django.db import transaction

from integrations.http.deadline import Deadline
from integrations.http.errors import DeadlinePassed, IntegrationError
from integrations.models import Integration
from integrations.sync.bulk_stream import BulkStream, Start, Window
from integrations.sync.cursor import StreamCursor
from integrations.sync.ledger import RunLedger
from integrations.sync.memory import resting_collector
from integrations.sync.parts import Part
from integrations.sync.raw_intake import RawIntake
from integrations.sync.records import Plan, RawRecord
from integrations.sync.removal import remove_unseen
from integrations.sync.seen import SeenRows
from integrations.sync.writer import Writer
from synclogs.counts import Counts
from synclogs.models import SyncLog
from synclogs.progress import Reporter, SilentReporter

logger = logging.getLogger("syncplatform.sync")


class Pull:
    """One stream's pages into its table, on behalf of a run.

    Goes on where a killed or failed predecessor stopped. `full` asks for every record again, without taking
    any away before the end; `window` asks for a range of time under a cursor of its own. `check` is called
    before each batch (a job's `self.check`). After `deadline` no request and no batch begins.
    """

    def __init__(
        self,
        stream: BulkStream,
        run: SyncLog,
        integration: Integration,
        *,
        full: bool = False,
        window: Window | None = None,
        partition: str = "",
        deadline: Deadline | None = None,
        check: Callable[[], None] = lambda: None,
        reporter: Reporter | None = None,
    ) -> None:
        self._stream = stream
        self._run = run
        self._window = window
        self._deadline = deadline
        self._check = check
        self._reporter = reporter or SilentReporter()
        part_name = " ".join(filter(None, (partition, window.partition if window else "")))
        self._cursor = StreamCursor(integration, stream.name, part_name)
        self._full = full or (stream.lists_everything and window is None)
        self._part = Part(part_name[:60])
        self._ledger = RunLedger(run, stream.name, self._part.name)
        self._intake = RawIntake(stream, run, self._part)
        self._writer: Writer[RawRecord] = Writer(
            stream,
            run,
            self._part,
            check=self._before_batch,
            on_batch=self._reporter.advance,
            ledger=self._ledger,
            intake=self._intake,
        )
        self._seen: SeenRows | None = None
        self._forgetful = False

    def run(self) -> Counts:
        """Pull to the end and return what became of the records.

        Raises what the vendor's calls raise, DeadlinePassed, RunFenced, LeaseLost or JobCancelled; what was
        committed stays, and the next pull goes on from there.
        """
        if self._cursor.is_finished_by(self._run.pk):
            return Counts()
        start = self._start()
        total = Counts()
        if not self._listing.get("complete"):
            with resting_collector():
                total = self._write_pages(start)
        if self._listing.get("complete"):
            total += self._remove_unseen()
        return total

    @property
    def _listing(self) -> dict[str, Any]:
        return self._cursor.listing or {}

    def _start(self) -> Start:
        """Take up an unfinished pull, or begin one."""
        listing = self._cursor.listing
        mine = listing is not None and listing["run"] == str(self._run.pk)
        if listing is None or (self._full and not mine):
            forget = self._full or self._window is not None
            listing = self._cursor.begin(self._run.pk, full=self._full, forget=forget)
        else:
            listing["run"] = str(self._run.pk)
            self._forgetful = "seen_lost" in listing
        if self._stream.restored_by_clearing and listing["full"] and self._window is None:
            self._seen = SeenRows(listing.get("seen", ""))
        return Start(
            self._cursor.own_state(),
            self._cursor.high_water,
            full=listing["full"],
            window=self._window,
            deadline=self._deadline,
        )

    def _write_pages(self, start: Start) -> Counts:
        total = Counts()
        position = self._run.counts.processed
        batch: list[tuple[int, Any]] = []
        pages = self._stream.pages(start)
        try:
            for page in pages:
                batch += enumerate(page.records, position + len(batch))
                self._cursor.move(page.state, len(page.records))
                if page.is_last or len(batch) >= self._stream.batch_size:
                    total += self._write(batch, is_last=page.is_last)
                    position, batch = position + len(batch), []
                if page.is_last:
                    return total
        except DeadlinePassed:
            raise
        except IntegrationError:
            if batch:
                self._write(batch, is_last=False)
            raise
        finally:
            pages.close()
        if batch:
            total += self._write(batch, is_last=False)
        return total

    def _write(self, batch: list[tuple[int, Any]], *, is_last: bool) -> Counts:
        def also(plan: Plan[RawRecord]) -> None:
            self._note(plan)
            if is_last:
                self._end_of_pages()
            self._cursor.save()

        return self._writer.write_batch(batch, also)

    def _note(self, plan: Plan[RawRecord]) -> None:
        """Put into the cursor what this batch taught."""
        if self._window is None:
            times = [record.modified for record in plan.to_write if record.modified is not None]
            self._cursor.see(max(times, default=None))
        listing = self._listing
        if self._intake.anonymous:
            listing["anonymous"] = True
        if self._seen is not None:
            self._seen.add(plan.pks.values())
            listing["any_seen"] = listing.get("any_seen", False) or bool(plan.pks)
            kept = self._seen.kept()
            if kept is None:
                listing.pop("seen", None)
                listing["seen_lost"] = True
            else:
                listing["seen"] = kept
        new = self._cursor.learn(self._intake.unknown)
        if new:
            self._report_unknown(new)

    def _report_unknown(self, names: list[str]) -> None:
        """Say once that the vendor sends more than the schema reads; it is all in `raw`."""
        logger.warning("%s: fields unknown so far, kept in raw: %s", self._stream.name, ", ".join(names))
        unknown = dict(self._run.context.get("unknown_fields", {}))
        unknown[self._stream.name] = sorted({*unknown.get(self._stream.name, []), *names})
        self._run.note(context=self._run.context | {"unknown_fields": unknown})

    def _end_of_pages(self) -> None:
        if self._seen is None:
            self._cursor.finish(self._run.pk)
        else:
            self._listing["complete"] = True

    def _remove_unseen(self) -> Counts:
        """Mark what a complete listing did not have as removed, unless it cannot be told what that is."""
        listing = self._listing
        total = Counts()
        why_not = self._why_not_remove(listing)
        if why_not:
            logger.warning("%s: nothing is marked as removed: %s", self._stream.name, why_not)
        elif self._seen is not None:
            began_at = datetime.fromisoformat(listing["began_at"])
            for counts in remove_unseen(
                self._stream, self._run, self._ledger, self._seen, began_at, self._before_batch
            ):
                total += counts
                self._reporter.advance(counts)
        with transaction.atomic():
            self._ledger.hold()
            self._cursor.finish(self._run.pk)
            self._cursor.save()
        return total

    def _why_not_remove(self, listing: dict[str, Any]) -> str:
        if not listing.get("any_seen"):
            return "the listing was empty"
        if self._stream.confirms_removal:
            return ""
        if listing.get("anonymous"):
            return "the listing had records whose key could not be read"
        if self._forgetful:
            return "the listing was interrupted and is too long to remember"
        return ""

    def _before_batch(self) -> None:
        self._check()
        if self._deadline is not None:
            self._deadline.check()
