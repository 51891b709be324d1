"""What a sync is asked for, and what came of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Self

from integrations.http.deadline import Deadline
from synclogs.models import SyncLog, SyncTrigger

DEFAULT_BATCH_SIZE = 2000
DEFAULT_TIMEOUT = 3600


class DataType(StrEnum):
    """What is synced, under the names of the command line."""

    CUSTOMERS = "customers"
    INVOICES = "invoices"
    BOTH = "both"

    @property
    def streams(self) -> tuple[str, ...]:
        """The streams of a data type, in their order: an invoice names a customer."""
        return ("customers", "invoices") if self is DataType.BOTH else (self.value,)

    def covers(self, other: str) -> bool:
        """Whether a sync of this type does also what one of the other does."""
        return set(DataType(other).streams) <= set(self.streams)


class SyncStrategy(StrEnum):
    """Where records come from."""

    FEED = "feed"
    LIST = "list"


@dataclass(frozen=True, slots=True)
class SyncConfiguration:
    """What `synchronize_data` is asked for.

    `incremental_only` goes on from the cursor and begins at the first record where there is none; without it
    every record is read again. A transaction writes at most `batch_size` records. `deadline` bounds the whole
    sync (None: an hour). `retry_of` is the run that this one tries again.
    """

    data_type: DataType = DataType.BOTH
    sync_trigger: str = SyncTrigger.MANUAL
    incremental_only: bool = False
    batch_size: int = DEFAULT_BATCH_SIZE
    deadline: Deadline | None = None
    retry_of: SyncLog | None = None

    def as_args(self) -> dict[str, Any]:
        """The same as a job's arguments."""
        seconds = DEFAULT_TIMEOUT if self.deadline is None else round(self.deadline.remaining(), 3)
        args: dict[str, Any] = {
            "data_type": DataType(self.data_type).value,
            "trigger": str(self.sync_trigger),
            "incremental_only": self.incremental_only,
            "batch_size": self.batch_size,
            "timeout": seconds,
        }
        return args if self.retry_of is None else args | {"retry_of_run": str(self.retry_of.pk)}

    @classmethod
    def from_args(cls, args: Mapping[str, Any]) -> Self:
        """Read a job's arguments; the time begins to run now. `retry_of` is left out."""
        return cls(
            DataType(args.get("data_type", DataType.BOTH)),
            str(args.get("trigger", SyncTrigger.MANUAL)),
            bool(args.get("incremental_only", True)),
            int(args.get("batch_size", DEFAULT_BATCH_SIZE)),
            Deadline(float(args.get("timeout", DEFAULT_TIMEOUT))),
        )


@dataclass(frozen=True, slots=True)
class SyncResult:
    """What came of a sync that ended well; one that did not raises instead.

    `successful_count` counts created, updated, unchanged and skipped records; `errors` says what is missing.
    """

    successful: bool
    processed_count: int
    successful_count: int
    failed_count: int
    sync_log: SyncLog
    errors: list[str] = field(default_factory=list)

    @classmethod
    def of(cls, run: SyncLog) -> Self:
        """The result of a run that has ended."""
        counts = run.counts
        return cls(
            True,
            counts.processed,
            counts.processed - counts.failed,
            counts.failed,
            run,
            [run.error_message] if run.error_message else [],
        )
