"""What happens to runs, as signals with typed payloads: docs/events.md.

Signals are sent after the commit, so a receiver sees what is in the database; a receiver's error is logged
and changes nothing.
"""

from __future__ import annotations

import logging
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar
from uuid import UUID

from django.db import transaction
from django.dispatch import Signal

if TYPE_CHECKING:
    from synclogs.models import SyncLog

logger = logging.getLogger("syncplatform.events")

sync_started = Signal()
sync_completed = Signal()
sync_failed = Signal()


@dataclass(frozen=True, slots=True)
class Event:
    """A payload. `name` is what it is called outside; `signal` is what carries it."""

    name: ClassVar[str]
    signal: ClassVar[Signal]

    def as_dict(self) -> dict[str, Any]:
        """The payload under its field names."""
        return asdict(self)

    def send_after_commit(self) -> None:
        """Tell the receivers once the caller's transaction is committed."""
        transaction.on_commit(self._send)

    def _send(self) -> None:
        for receiver, answer in self.signal.send_robust(sender=type(self), event=self):
            if isinstance(answer, Exception):
                logger.error("receiver %s of %s failed", receiver, self.name, exc_info=answer)


@dataclass(frozen=True, slots=True)
class SyncStarted(Event):
    """A run was opened."""

    name: ClassVar[str] = "sync.started"
    signal: ClassVar[Signal] = sync_started

    sync_id: UUID
    sync_type: str
    sync_trigger: str
    api_status_filter: str
    started_at: datetime

    @classmethod
    def of(cls, run: SyncLog) -> SyncStarted:
        """The event of this run."""
        return cls(
            sync_id=run.pk,
            sync_type=run.sync_type,
            sync_trigger=run.sync_trigger,
            api_status_filter=_status_filter(run),
            started_at=run.started_at,
        )


@dataclass(frozen=True, slots=True)
class SyncCompleted(Event):
    """A run ended well, or with a warning, or was cancelled: `sync_status` says which.

    `circuits_processed` is another name of `records_processed`, kept for older receivers.
    """

    name: ClassVar[str] = "sync.completed"
    signal: ClassVar[Signal] = sync_completed

    sync_id: UUID
    sync_type: str
    sync_status: str
    records_processed: int
    records_created: int
    records_updated: int
    records_unchanged: int
    records_skipped: int
    records_failed: int
    records_removed: int
    circuits_processed: int
    duration_seconds: float
    completed_at: datetime | None
    message: str

    @classmethod
    def of(cls, run: SyncLog) -> SyncCompleted:
        """The event of this run, which has ended."""
        return cls(
            sync_id=run.pk,
            sync_type=run.sync_type,
            sync_status=run.status_for_machines,
            records_processed=run.records_processed,
            records_created=run.records_created,
            records_updated=run.records_updated,
            records_unchanged=run.records_unchanged,
            records_skipped=run.records_skipped,
            records_failed=run.records_failed,
            records_removed=run.records_removed,
            circuits_processed=run.records_processed,
            duration_seconds=run.duration_seconds or 0.0,
            completed_at=run.completed_at,
            message=run.error_message,
        )


@dataclass(frozen=True, slots=True)
class SyncFailed(Event):
    """A run failed; the counts are what it reached."""

    name: ClassVar[str] = "sync.failed"
    signal: ClassVar[Signal] = sync_failed

    sync_id: UUID
    sync_type: str
    error_code: str
    error_message: str
    records_processed: int
    duration_seconds: float
    completed_at: datetime | None

    @classmethod
    def of(cls, run: SyncLog) -> SyncFailed:
        """The event of this run, which has failed."""
        return cls(
            sync_id=run.pk,
            sync_type=run.sync_type,
            error_code=run.error_code,
            error_message=run.error_message,
            records_processed=run.records_processed,
            duration_seconds=run.duration_seconds or 0.0,
            completed_at=run.completed_at,
        )


def _status_filter(run: SyncLog) -> str:
    """What the run was asked to look at: one status, several joined by commas, or nothing in particular."""
    wanted = run.context.get("api_status_filter") or run.context.get("statuses") or ""
    return ",".join(map(str, wanted)) if isinstance(wanted, list) else str(wanted)
