"""A bulk stream: declared by its record's schema, key and columns, and read from the vendor's pages."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from operator import attrgetter
from typing import TYPE_CHECKING, Any, ClassVar

import msgspec

from integrations.http.deadline import Deadline
from integrations.http.paginators import PageWalk
from integrations.sync.records import Key, RawRecord
from integrations.sync.stream import BaseStream

if TYPE_CHECKING:
    from integrations.sync.intake import Intake
    from integrations.sync.parts import Part
    from synclogs.models import SyncLog


@dataclass(frozen=True, slots=True)
class Window:
    """A range of time to fetch again, `since` inclusive; it never moves the live cursor."""

    since: datetime
    until: datetime | None = None

    @property
    def partition(self) -> str:
        """The name of the backfill's own cursor."""
        until = self.until.isoformat() if self.until else ""
        return f"backfill {self.since.isoformat()}..{until}"


@dataclass(frozen=True, slots=True)
class Start:
    """Where a pull begins.

    `state` is what the pages stored so far left in the cursor (empty at the first pull and for a refresh),
    `high_water` the latest time of change that a finished pull saw. `full` says that every record is wanted.
    `deadline` limits all requests together: pass it to the paginator, and what it leaves to each call.
    """

    state: Mapping[str, Any] = field(default_factory=dict)
    high_water: datetime | None = None
    full: bool = False
    window: Window | None = None
    deadline: Deadline | None = None


class BulkStream(BaseStream[RawRecord]):
    """One kind of record of one connection, pulled in pages: docs/streams.md.

    `record` is the schema of what is read out of a record; what it does not name stays in `raw` and is
    reported once. `key` is the attribute that holds the vendor's id and the column that it is stored in.
    `columns` are the columns besides the key, in the order of `row`. `modified` is the one of them that holds
    the vendor's time of change: a record older than the stored row is skipped. `scope` gives the columns that
    are the same for all records of this stream (`{"credential_id": 7}`); with the key they are unique. With
    `restored_by_clearing` (`"removed_at"`), rows that a complete listing did not have are marked as removed.
    `lists_everything` says that each pull is such a listing. `confirms_removal` says that `really_gone` makes
    sure of each row, so that a listing with gaps may lead to removals too. The model has the columns of
    `Mirrored`.
    """

    record: ClassVar[type[msgspec.Struct]]
    columns: ClassVar[tuple[str, ...]]
    modified: ClassVar[str | None] = None
    lists_everything: ClassVar[bool] = False
    confirms_removal: ClassVar[bool] = False
    needs_pks: ClassVar[bool] = False
    batch_size: ClassVar[int] = 2000
    stamped_on_change = ("last_changed_at",)
    stamped_on_insert = ("first_seen_at",)

    def __init__(self, **scope: Any) -> None:
        self.scope = scope

    @abstractmethod
    def pages(self, start: Start) -> PageWalk:
        """The vendor's pages from `start` on, fetched ahead by one of integrations/http/paginators.py."""

    def row(self, record: Any) -> Sequence[Any]:
        """The values of `columns`; by default the attributes of the same names.

        May raise RecordError. A slice (`msgspec.Raw`), list or dict fits a JSONField.
        """
        values: Any = self._values(record)
        return values if len(self.columns) > 1 else (values,)

    def really_gone(self, keys: Sequence[Key]) -> Sequence[Key]:
        """Of rows that a complete listing did not have, the keys of those to mark as removed: all of them.

        A stream that `confirms_removal` asks the vendor for each one instead.
        """
        return keys

    def excerpt(self, raw: Any) -> str:
        """The beginning of the record."""
        return str(bytes(raw)[:1000], "utf-8", "replace")

    def intake(self, run: SyncLog, part: Part) -> Intake[RawRecord]:
        """Compares by the hashes of what was received."""
        from integrations.sync.raw_intake import RawIntake

        return RawIntake(self, run, part)

    @cached_property
    def _values(self) -> attrgetter[Any]:
        return attrgetter(*self.columns)
