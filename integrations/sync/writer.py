"""The one writer: validate, deduplicate, skip unchanged, merge, in one transaction a batch."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from typing import Any

import orjson
from django.db import transaction

from integrations.http.errors import RecordError
from integrations.sync.halving import write_by_halves
from integrations.sync.parts import Part
from integrations.sync.records import Plan, Record, Refused
from integrations.sync.stream import Stream
from integrations.sync.target import Stored, Target
from synclogs.counts import Counts
from synclogs.issues import MAX_SOURCE_ID, IssueBook
from synclogs.models import RunFenced, SyncLog, SyncStatus
from synclogs.redaction import excerpt

BATCH_SIZE = 2000


def content_hash(stream: Stream, columns: Sequence[str], values: dict[str, Any]) -> str:
    """What a record says, as 32 hex digits: the same for the same values, whatever their order was."""
    stated = [stream.mapping_version, list(columns), [values[name] for name in columns]]
    packed = orjson.dumps(stated, default=str, option=orjson.OPT_SORT_KEYS | orjson.OPT_NON_STR_KEYS)
    return hashlib.blake2b(packed, digest_size=16).hexdigest()


class Writer:
    """Takes a stream's records in, batch by batch.

    Each batch is one transaction: rows, issues, the run's counts. The run's row is the fence: it is held
    through the batch and changes only under its owner token, so a process that lost its lease writes nothing.
    A repeated `part` counts what its killed predecessor wrote as that one counted it.
    """

    def __init__(
        self,
        stream: Stream,
        run: SyncLog,
        part: Part | None = None,
        *,
        batch_size: int = BATCH_SIZE,
        check: Callable[[], None] = lambda: None,
        on_batch: Callable[[Counts], None] = lambda counts: None,
    ) -> None:
        self._stream = stream
        self._run = run
        self._part = part or Part()
        self._batch_size = batch_size
        self._check = check
        self._on_batch = on_batch
        self._columns = tuple(stream.columns())
        self._target = Target(stream, run.pk, self._part.began_at)
        self._issues = IssueBook(run, stream.name, self._part.name)
        self._counted_again: set[int] = set()

    def write(self, raw_records: Iterable[Any]) -> Counts:
        """Write everything and return what became of it. Raises RunFenced, LeaseLost or JobCancelled."""
        total = Counts()
        for batch in _batches(enumerate(raw_records), self._batch_size):
            self._check()
            counts = self._write_batch(batch)
            total += counts
            self._on_batch(counts)
        return total

    def preview(self, raw_records: Iterable[Any]) -> Iterator[tuple[Plan, list[Refused]]]:
        """What `write` would do, batch by batch, without writing anything."""
        for batch in _batches(enumerate(raw_records), self._batch_size):
            records, refused = self._parse(batch)
            records, skipped = _last_of_each_key(records)
            self._stream.prepare(records, write=False)
            yield self._classify(records, skipped), refused

    def _write_batch(self, batch: Sequence[tuple[int, Any]]) -> Counts:
        records, refused = self._parse(batch)
        records, skipped = _last_of_each_key(records)
        with transaction.atomic():
            self._hold_run()
            self._stream.prepare(records, write=True)
            plan = self._classify(records, skipped)
            refused += self._merge(plan)
            self._find_new_pks(plan)
            if self._part.repeated:
                self._counted_again.update(plan.pks[record.key] for record in plan.to_write)
            self._stream.after_merge(plan)
            self._issues.add(refused)
            counts = _count(plan, len(refused))
            self._run.add_batch(counts, **self._changed_fields(plan))
        return counts

    def _hold_run(self) -> None:
        """Lock the run before any row, as its end does too: the two cannot block each other."""
        mine = SyncLog.objects.select_for_update().filter(
            pk=self._run.pk, sync_status=SyncStatus.STARTED, owner_token=self._run.owner_token
        )
        if not mine.values_list("pk", flat=True):
            raise RunFenced(f"run {self._run.pk} is no longer owned by this process")

    def _parse(self, batch: Sequence[tuple[int, Any]]) -> tuple[list[Record], list[Refused]]:
        records: list[Record] = []
        refused: list[Refused] = []
        for index, raw in batch:
            try:
                records.append(self._stream.parse(raw, index))
            except RecordError as error:
                source_id = excerpt(self._stream.source_id(raw), MAX_SOURCE_ID)
                refused.append(Refused(index, source_id, error, self._stream.excerpt(raw)))
        return records, refused

    def _classify(self, records: Sequence[Record], skipped: int) -> Plan:
        for record in records:
            record.content_hash = content_hash(self._stream, self._columns, record.values)
        stored = self._target.lookup([record.key for record in records])
        plan = Plan(skipped=skipped, pks={key: row.pk for key, row in stored.items()})
        differing: list[Record] = []
        again: set[str] = set()
        for record in records:
            row = stored.get(record.key)
            if row is None:
                plan.created.append(record)
                continue
            if self._written_before(row):
                self._counted_again.add(row.pk)
                again.add(record.key)
                if row.created_at == self._part.began_at:
                    plan.created_before.add(record.key)
            if row.content_hash != record.content_hash or row.deleted:
                differing.append(record)
            else:
                (plan.written_before if record.key in again else plan.unchanged).append(record)
        self._name_changes(differing, stored, plan, again)
        return plan

    def _written_before(self, row: Stored) -> bool:
        """Whether the killed run wrote this row in this part, and it was not counted since."""
        return (
            self._part.repeated
            and row.last_run_id == self._run.pk
            and row.changed_at == self._part.began_at
            and row.pk not in self._counted_again
        )

    def _name_changes(
        self, differing: Sequence[Record], stored: dict[str, Stored], plan: Plan, again: set[str]
    ) -> None:
        """Compare field by field: a row whose hash differs while every value is the same is left alone."""
        if not differing:
            return
        values = self._target.stored_values([record.key for record in differing], self._columns)
        for record in differing:
            before = dict(zip(self._columns, values[record.key], strict=True))
            self._stream.complete(record, before)
            changed = [name for name in self._columns if before[name] != record.values[name]]
            if stored[record.key].deleted and self._stream.restored_by_clearing:
                changed.append(self._stream.restored_by_clearing)
            record.changed = tuple(self._target.field_name(name) for name in changed)
            if changed:
                plan.updated.append(record)
            else:
                (plan.written_before if record.key in again else plan.unchanged).append(record)

    def _merge(self, plan: Plan) -> list[Refused]:
        """Merge what is new or changed; records that the database refuses are taken out of the plan."""
        refused = {
            record.key: Refused(record.index, record.key[:MAX_SOURCE_ID], error)
            for record, error in write_by_halves(plan.to_write, self._target.merge)
        }
        if refused:
            plan.created = [record for record in plan.created if record.key not in refused]
            plan.updated = [record for record in plan.updated if record.key not in refused]
        return list(refused.values())

    def _find_new_pks(self, plan: Plan) -> None:
        if plan.created:
            plan.pks |= self._target.pks([record.key for record in plan.created])

    def _changed_fields(self, plan: Plan) -> dict[str, Any]:
        if not plan.updated:
            return {}
        changed = Counter(self._run.changed_fields)
        changed.update(name for record in plan.updated for name in record.changed)
        self._run.changed_fields = dict(changed)
        return {"changed_fields": dict(changed)}


def _count(plan: Plan, failed: int) -> Counts:
    changed = plan.updated + plan.written_before
    created_before = sum(record.key in plan.created_before for record in changed)
    return Counts(
        created=len(plan.created) + created_before,
        updated=len(changed) - created_before,
        unchanged=len(plan.unchanged),
        skipped=plan.skipped,
        failed=failed,
    )


def _batches(records: Iterable[tuple[int, Any]], size: int) -> Iterator[list[tuple[int, Any]]]:
    iterator = iter(records)
    while batch := list(islice(iterator, size)):
        yield batch


def _last_of_each_key(records: Sequence[Record]) -> tuple[list[Record], int]:
    """The last record of each key, and how many earlier ones it replaces."""
    last = {record.key: record for record in records}
    return list(last.values()), len(records) - len(last)
