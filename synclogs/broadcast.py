"""Putting the state of runs on the live channels, in the transaction that changes it."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING
from uuid import UUID

from synclogs import events
from synclogs.models.live_event import LiveEvent

if TYPE_CHECKING:
    from synclogs.models.sync_log import SyncLog

STATUS_CHANNELS = ("dashboard", "sync-status")
PROGRESS_SECONDS = 1.0
MAX_REMEMBERED = 1000


class BroadcastSyncStatus:
    """Puts a run's state on the live channels, in the transaction that changes it."""

    def __init__(self) -> None:
        self._progress_at: dict[UUID, float] = {}

    def started(self, run: SyncLog) -> None:
        """A run was opened."""
        self._publish(run, events.SyncStarted.name)

    def progress(self, run: SyncLog) -> None:
        """A batch is about to be committed; said at most once a second a run."""
        now = time.monotonic()
        if now - self._progress_at.get(run.pk, -PROGRESS_SECONDS) < PROGRESS_SECONDS:
            return
        if len(self._progress_at) >= MAX_REMEMBERED:  # runs that other processes have taken over
            self._progress_at.clear()
        self._progress_at[run.pk] = now
        self._publish(run, "sync.progress")

    def ended(self, run: SyncLog) -> None:
        """A run has ended."""
        self._progress_at.pop(run.pk, None)
        failed = run.sync_status == "failed"
        self._publish(run, events.SyncFailed.name if failed else events.SyncCompleted.name)

    def _publish(self, run: SyncLog, kind: str) -> None:
        LiveEvent.objects.publish(STATUS_CHANNELS, kind, run.as_live_payload(), account_id=run.account_id)


broadcast_sync_status = BroadcastSyncStatus()
