"""What the writer needs of a stream: how its records are read, compared with what is stored, and written."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Generic

from integrations.sync.records import AnyRecord, Key, Plan, Refused


@dataclass(slots=True)
class Identified(Generic[AnyRecord]):
    """The records of one batch, one a key; `skipped` others had the same key."""

    records: list[AnyRecord] = field(default_factory=list)
    refused: list[Refused] = field(default_factory=list)
    skipped: int = 0


class Intake(ABC, Generic[AnyRecord]):
    """One stream's way into its table, on behalf of one run."""

    @abstractmethod
    def identify(self, batch: Sequence[tuple[int, Any]]) -> Identified[AnyRecord]:
        """Find each record's key; outside the batch's transaction."""

    @abstractmethod
    def classify(self, identified: Identified[AnyRecord], *, write: bool) -> Plan[AnyRecord]:
        """Compare with what is stored. Writes look-ups only when told to; never the stream's own rows."""

    @abstractmethod
    def merge(self, records: Sequence[AnyRecord]) -> None:
        """Insert or update these records by key.

        Raises django.db.DataError or IntegrityError when the database refuses one of them.
        """

    def written(self, plan: Plan[AnyRecord]) -> None:
        """Hear what was written and add the primary keys of new rows to the plan where they are needed."""

    @abstractmethod
    def after_merge(self, plan: Plan[AnyRecord]) -> None:
        """What follows from the batch's rows, in the batch's transaction."""

    def excerpt(self, record: AnyRecord) -> tuple[str, str]:
        """The source id and a piece of a record that the database refused."""
        return str(record.key), ""


KeyedRows = dict[Key, tuple[Any, ...]]
