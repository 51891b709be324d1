"""The one writer: validate, deduplicate, skip unchanged, merge, in one transaction a batch."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from typing import Any, Generic

from django.db import transaction

from integrations.sync.halving import write_by_halves
from integrations.sync.intake import Intake
from integrations.sync.ledger import Ledger, RunLedger
from integrations.sync.parts import Part
from integrations.sync.records import AnyRecord, Plan, Refused
from integrations.sync.stream import BaseStream
from synclogs.counts import Counts
from synclogs.issues import MAX_SOURCE_ID
from synclogs.models import SyncLog

BATCH_SIZE = 2000


class Writer(Generic[AnyRecord]):
    """Takes a stream's records in, batch by batch.

    Each batch is one transaction: rows, issues, the run's counts, and what the caller adds to it. The run's
    row is the fence: it is held through the batch and changes only under its owner token, so a process that
    lost its lease writes nothing; another `ledger` puts the fence elsewhere. `intake` is the stream's
    own unless the caller keeps it. A repeated `part` counts what
    its killed predecessor wrote as that one counted it.
    """

    def __init__(
        self,
        stream: BaseStream[AnyRecord],
        run: SyncLog,
        part: Part | None = None,
        *,
        batch_size: int = BATCH_SIZE,
        check: Callable[[], None] = lambda: None,
        on_batch: Callable[[Counts], None] = lambda counts: None,
        ledger: Ledger | None = None,
        intake: Intake[AnyRecord] | None = None,
    ) -> None:
        part = part or Part()
        self._batch_size = batch_size
        self._check = check
        self._on_batch = on_batch
        self._intake: Intake[AnyRecord] = intake or stream.intake(run, part)
        self._ledger = ledger or RunLedger(run, stream.name, part.name)

    def write(self, raw_records: Iterable[Any]) -> Counts:
        """Write everything and return what became of it. Raises RunFenced, LeaseLost or JobCancelled."""
        total = Counts()
        for batch in _batches(enumerate(raw_records), self._batch_size):
            total += self.write_batch(batch)
        return total

    def write_batch(
        self, batch: Sequence[tuple[int, Any]], also: Callable[[Plan[AnyRecord]], None] = lambda plan: None
    ) -> Counts:
        """Write these (index, record) pairs in one transaction, and whatever `also` writes in it.

        Raises RunFenced, LeaseLost or JobCancelled.
        """
        self._check()
        identified = self._intake.identify(batch)
        with transaction.atomic():
            self._ledger.hold()
            plan = self._intake.classify(identified, write=True)
            self._merge(plan)
            self._intake.written(plan)
            self._intake.after_merge(plan)
            also(plan)
            self._ledger.refuse(plan.refused)
            counts = plan.counts()
            self._ledger.add(counts, Counter(name for record in plan.updated for name in record.changed))
        self._on_batch(counts)
        return counts

    def preview(self, raw_records: Iterable[Any]) -> Iterator[tuple[Plan[AnyRecord], list[Refused]]]:
        """What `write` would do, batch by batch, without writing anything."""
        for batch in _batches(enumerate(raw_records), self._batch_size):
            plan = self._intake.classify(self._intake.identify(batch), write=False)
            yield plan, plan.refused

    def _merge(self, plan: Plan[AnyRecord]) -> None:
        """Merge what is new or changed; records that the database refuses are taken out of the plan."""
        refused = {}
        for record, error in write_by_halves(plan.to_write, self._intake.merge):
            source_id, excerpt = self._intake.excerpt(record)
            refused[record.key] = Refused(record.index, source_id[:MAX_SOURCE_ID], error, excerpt)
        if refused:
            plan.created = [record for record in plan.created if record.key not in refused]
            plan.updated = [record for record in plan.updated if record.key not in refused]
            plan.refused += refused.values()


def _batches(records: Iterable[tuple[int, Any]], size: int) -> Iterator[list[tuple[int, Any]]]:
    iterator = iter(records)
    while batch := list(islice(iterator, size)):
        yield batch
