"""Taking in records as they were received: hashed before they are decoded, decoded only when they are new."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec
from django.db import connection

from integrations.http.errors import RecordError
from integrations.sync.bulk_stream import BulkStream
from integrations.sync.cells import aware
from integrations.sync.hashing import canonical, changed_names, document, hasher, holds_nul
from integrations.sync.intake import Identified, Intake
from integrations.sync.mirror import Mirror
from integrations.sync.parts import Part
from integrations.sync.records import Key, Plan, RawRecord, Refused
from integrations.sync.schema import KeyReader, known_names, record_error
from synclogs.models import SyncLog

MAX_NAMES = 20
MAX_NAMED_ROWS = 10_000


class RawIntake(Intake[RawRecord]):
    """The way of a `BulkStream` into its table.

    `unknown` gathers top-level names that the schema does not have; `anonymous` counts records whose key
    could not be read.
    """

    def __init__(self, stream: BulkStream, run: SyncLog, part: Part) -> None:
        self._stream = stream
        self._mirror = Mirror(stream, run.pk, part.began_at)
        self._hash = hasher(stream.mapping_version)
        self._read_key = KeyReader(stream)
        self._decode = msgspec.json.Decoder(stream.record).decode
        self._known = known_names(stream.record)
        self._room_for_names = MAX_NAMED_ROWS
        self._modified_at = stream.columns.index(stream.modified) if stream.modified else None
        self._inserted = self._updated = 0
        self._needs_all = type(stream).prepare is not BulkStream.prepare
        self._refused_late: list[Refused] = []
        self.unknown: set[str] = set()
        self.anonymous = 0

    def identify(self, batch: Sequence[tuple[int, Any]]) -> Identified[RawRecord]:
        """Read each record's key and hash its bytes. The last of each key stands for its rivals too."""
        read_key, hash_of = self._read_key, self._hash
        found: dict[Key, RawRecord] = {}
        refused: list[Refused] = []
        for index, raw in batch:
            try:
                key = read_key(raw)
            except RecordError as error:
                self.anonymous += 1
                refused.append(Refused(index, self._stream.source_id(raw), error, self._stream.excerpt(raw)))
                continue
            record = RawRecord(key, raw, index, hash_of(raw))
            rival = found.get(key)
            if rival is not None:
                record.rivals = [*(rival.rivals or ()), rival]
            found[key] = record
        return Identified(list(found.values()), refused, len(batch) - len(refused) - len(found))

    def classify(self, identified: Identified[RawRecord], *, write: bool) -> Plan[RawRecord]:
        """Leave alone what has the stored bytes' hash; decode and compare the rest."""
        plan: Plan[RawRecord] = Plan(skipped=identified.skipped, refused=identified.refused)
        stored = self._mirror.payloads([record.key for record in identified.records])
        differing = []
        for record in identified.records:
            row = stored.get(record.key)
            if row is None or row[0] != record.payload_hash or row[1] or record.rivals:
                differing.append(record)
            else:
                plan.unchanged.append(record)
        if self._mirror.needs_pks:
            plan.pks = {key: row[2] for key, row in stored.items()}
        if differing and not (stored or identified.skipped or self._needs_all) and write:
            plan.created = differing
        elif differing:
            decoded = list(self._decoded(differing, plan))
            self._stream.prepare(decoded, write=write)
            self._compare(decoded, plan, {key for key, row in stored.items() if row[1]}, stored.keys())
        return plan

    def merge(self, records: Sequence[RawRecord]) -> None:
        """Insert or update these records by key; those that are not decoded yet are so on their way."""
        merged = self._mirror.merge(records, self._is_ready)
        if merged is not None:
            self._inserted += merged.inserted
            self._updated += merged.updated

    def written(self, plan: Plan[RawRecord]) -> None:
        """Take over what the database counted; find new rows' primary keys where the stream needs them."""
        if self._refused_late:
            plan.created = [record for record in plan.created if not record.is_refused]
            plan.refused += self._refused_late
            self._refused_late = []
        if connection.vendor == "postgresql":
            plan.merged = self._inserted, self._updated
            self._inserted = self._updated = 0
        if plan.created and self._mirror.needs_pks:
            plan.pks |= self._mirror.pks([record.key for record in plan.created])

    def after_merge(self, plan: Plan[RawRecord]) -> None:
        """The stream's own."""
        self._stream.after_merge(plan)

    def excerpt(self, record: RawRecord) -> tuple[str, str]:
        """The vendor's id, and what the stream shows of a record."""
        return str(record.key), self._stream.excerpt(record.raw)

    def _decoded(self, records: Iterable[RawRecord], plan: Plan[RawRecord]) -> Iterable[RawRecord]:
        """Those that can be taken; of several with one key the one that was changed last."""
        for record in records:
            if record.rivals is None:
                if self._take(record, plan.refused):
                    yield record
                continue
            candidates = [*record.rivals, record]
            refused: list[Refused] = []
            valid = [candidate for candidate in candidates if self._take(candidate, refused)]
            if record.is_refused:
                plan.refused.append(refused[-1])
            if not valid:
                continue
            plan.skipped -= record.is_refused
            yield max(valid, key=_age)

    def _is_ready(self, record: RawRecord) -> bool:
        """Decode a new record while those before it are being written."""
        if record.cells is None and not record.is_refused:
            self._take(record, self._refused_late)
        return not record.is_refused

    def _take(self, record: RawRecord, refused: list[Refused]) -> bool:
        """Decode a record; one that cannot be taken is put down as refused."""
        try:
            self._fill(record)
        except (RecordError, ArithmeticError) as found:
            error = found if isinstance(found, RecordError) else record_error(found)
            shown = self._stream.excerpt(record.raw)
            refused.append(Refused(record.index, str(record.key), error, shown))
            record.is_refused = True
        return not record.is_refused

    def _fill(self, record: RawRecord) -> None:
        try:
            record.source = self._decode(record.raw)
            fields = document(record.raw)
        except (msgspec.MsgspecError, RecursionError, ValueError, ArithmeticError) as error:
            raise record_error(error) from None
        record.text = text = str(record.raw, "utf-8")
        if "\\u0000" in text and holds_nul(fields):
            raise RecordError("it contains NUL or half a surrogate pair", code="bad_character")
        cells = list(self._stream.row(record.source))
        if self._modified_at is not None:
            modified = cells[self._modified_at]
            record.modified = modified and aware(modified)
        self._mirror.cells.adapt(cells)
        record.cells = cells
        record.content_hash = self._hash(canonical(fields))
        if len(fields) != len(self._known) or fields.keys() - self._known:
            self.unknown |= fields.keys() - self._known

    def _compare(
        self, records: Sequence[RawRecord], plan: Plan[RawRecord], removed: set[Key], known: Iterable[Key]
    ) -> None:
        stored = self._mirror.details([record.key for record in records if record.key in known])
        for record in records:
            row = stored.get(record.key)
            if row is None:
                plan.created.append(record)
            elif row[0] == record.content_hash and record.key not in removed:
                plan.unchanged.append(record)
            elif row[1] is not None and record.modified is not None and record.modified < row[1]:
                plan.skipped += 1
            else:
                record.is_stored = True
                plan.updated.append(record)
        self._name_changes(plan.updated, removed)

    def _name_changes(self, updated: Sequence[RawRecord], removed: set[Key]) -> None:
        """Name what changed, for the first 10,000 rows of a run."""
        named = updated[: self._room_for_names]
        self._room_for_names -= len(named)
        if not named:
            return
        before = self._mirror.raw_texts([record.key for record in named])
        restored = self._stream.restored_by_clearing
        for record in named:
            stored = document(before[record.key].encode())
            record.changed = changed_names(stored, document(record.raw), MAX_NAMES)
            if restored and record.key in removed:
                record.changed = (*record.changed[: MAX_NAMES - 1], restored)


def _age(record: RawRecord) -> tuple[bool, float, int]:
    """Orders records of one key: by time of change, then by position."""
    modified = record.modified
    return modified is not None, modified.timestamp() if modified else 0.0, record.index
