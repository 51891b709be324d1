"""Taking in records that were parsed to values: compared with the stored row value by value."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

import orjson

from integrations.http.errors import RecordError
from integrations.sync.intake import Identified, Intake
from integrations.sync.parts import Part
from integrations.sync.records import Key, Plan, Record, Refused
from integrations.sync.stream import Stream
from integrations.sync.target import Stored, Target
from synclogs.issues import MAX_SOURCE_ID
from synclogs.models import SyncLog
from synclogs.redaction import excerpt


def content_hash(stream: Stream, columns: Sequence[str], values: dict[str, Any]) -> str:
    """What a record says, as 32 hex digits: the same for the same values, whatever their order was."""
    stated = [stream.mapping_version, list(columns), [values[name] for name in columns]]
    packed = orjson.dumps(stated, default=str, option=orjson.OPT_SORT_KEYS | orjson.OPT_NON_STR_KEYS)
    return hashlib.blake2b(packed, digest_size=16).hexdigest()


class ValueIntake(Intake[Record]):
    """The way of a `Stream` into its table, for one part of a run."""

    def __init__(self, stream: Stream, run: SyncLog, part: Part) -> None:
        self._stream = stream
        self._run = run
        self._part = part
        self._columns = tuple(stream.columns())
        self._target = Target(stream, run.pk, part.began_at)
        self._counted_again: set[int] = set()

    def identify(self, batch: Sequence[tuple[int, Any]]) -> Identified[Record]:
        """Parse every record; the last of each key stays."""
        last: dict[Key, Record] = {}
        refused: list[Refused] = []
        for index, raw in batch:
            try:
                record = self._stream.parse(raw, index)
                last[record.key] = record
            except RecordError as error:
                source_id = excerpt(self._stream.source_id(raw), MAX_SOURCE_ID)
                refused.append(Refused(index, source_id, error, self._stream.excerpt(raw)))
        return Identified(list(last.values()), refused, len(batch) - len(refused) - len(last))

    def classify(self, identified: Identified[Record], *, write: bool) -> Plan[Record]:
        """Compare the hashes, and where they differ the values."""
        records = identified.records
        self._stream.prepare(records, write=write)
        for record in records:
            record.content_hash = content_hash(self._stream, self._columns, record.values)
        stored = self._target.lookup([record.key for record in records])
        plan: Plan[Record] = Plan(
            skipped=identified.skipped,
            refused=identified.refused,
            pks={key: row.pk for key, row in stored.items()},
        )
        differing: list[Record] = []
        again: set[Key] = set()
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

    def merge(self, records: Sequence[Record]) -> None:
        """Insert or update these records by key."""
        self._target.merge(records)

    def written(self, plan: Plan[Record]) -> None:
        """Find the new rows' primary keys, and remember what a repeated part counted."""
        if plan.created:
            plan.pks |= self._target.pks([record.key for record in plan.created])
        if self._part.repeated:
            self._counted_again.update(plan.pks[record.key] for record in plan.to_write)

    def after_merge(self, plan: Plan[Record]) -> None:
        """The stream's own."""
        self._stream.after_merge(plan)

    def _written_before(self, row: Stored) -> bool:
        """Whether the killed run wrote this row in this part, and it was not counted since."""
        return (
            self._part.repeated
            and row.last_run_id == self._run.pk
            and row.changed_at == self._part.began_at
            and row.pk not in self._counted_again
        )

    def _name_changes(
        self, differing: Sequence[Record], stored: dict[Key, Stored], plan: Plan[Record], again: set[Key]
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
