"""A stream: one kind of record, and how it becomes rows of one model."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Generic

from django.db import models

from integrations.sync.records import AnyRecord, Plan, Record

if TYPE_CHECKING:
    from integrations.sync.intake import Intake
    from integrations.sync.parts import Part
    from synclogs.models import SyncLog


class BaseStream(ABC, Generic[AnyRecord]):
    """What the writer needs to know of a kind of record, however it is read.

    `name` is its slug; `model` the target, with columns `content_hash` and `last_run`; `key` the unique
    column that records are merged by; `mapping_version` goes into the hashes: raise it when records map to
    other values, so that the next run compares every row. `stamped_on_change` are set to the part's beginning
    in each row written; the first of them must be written by nobody else. A row whose `restored_by_clearing`
    column is set counts as deleted, and is restored when it is seen again.
    """

    name: ClassVar[str]
    model: ClassVar[type[models.Model]]
    key: ClassVar[str]
    mapping_version: ClassVar[int] = 1
    stamped_on_change: ClassVar[tuple[str, ...]] = ("updated_at",)
    stamped_on_insert: ClassVar[tuple[str, ...]] = ("created_at",)
    restored_by_clearing: ClassVar[str | None] = None

    @abstractmethod
    def intake(self, run: SyncLog, part: Part) -> Intake[AnyRecord]:
        """The way of these records into the table, on behalf of a run."""

    def source_id(self, raw: Any) -> str:
        """The vendor's name of a record that could not be parsed, as well as it can be read."""
        return ""

    def excerpt(self, raw: Any) -> str:
        """A short piece of a record that could not be taken; the writer redacts it."""
        return ""

    def prepare(self, records: Sequence[AnyRecord], *, write: bool) -> None:
        """Fill in what needs the database (look-ups), in the batch's transaction. Write only when told to."""

    def after_merge(self, plan: Plan[AnyRecord]) -> None:
        """Write what follows from the batch's rows (links, companions), in the batch's transaction."""


class Stream(BaseStream[Record]):
    """A stream whose records are parsed to values; rows are compared value by value.

    For replies that set a varying part of the columns, or that need the database before they can be compared;
    everything else is a BulkStream.
    """

    @abstractmethod
    def parse(self, raw: Any, index: int) -> Record:
        """Turn one record of the vendor into a Record. Raises RecordError when it cannot be taken."""

    @abstractmethod
    def columns(self) -> Sequence[str]:
        """The attribute names that this reply sets; a column that is absent keeps its value."""

    def complete(self, record: Record, stored: Mapping[str, Any]) -> None:
        """Take over from the stored row what this reply says nothing of inside a column it does set."""

    def intake(self, run: SyncLog, part: Part) -> Intake[Record]:
        """Compares by value."""
        from integrations.sync.value_intake import ValueIntake

        return ValueIntake(self, run, part)
