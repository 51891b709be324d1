"""What the ledger itself does after runs start and end: log lines and metrics."""

from __future__ import annotations

import logging
from typing import Any

from synclogs import events, metrics

logger = logging.getLogger("syncplatform.syncs")


class LogSyncStarted:
    """One log line when a run starts."""

    def __call__(self, event: events.SyncStarted, **kwargs: Any) -> None:
        logger.info("run %s of %s started (%s)", event.sync_id, event.sync_type, event.sync_trigger)
        metrics.count("sync.started", tags={"type": event.sync_type, "trigger": event.sync_trigger})


class LogSyncCompleted:
    """One log line and the metrics when a run ends, well or badly."""

    def __call__(self, event: events.SyncCompleted | events.SyncFailed, **kwargs: Any) -> None:
        if isinstance(event, events.SyncFailed):
            status = "failed"
            logger.error("run %s of %s failed: %s", event.sync_id, event.sync_type, event.error_message)
        else:
            status = event.sync_status
            logger.info(
                "run %s of %s ended: %s, %d records",
                event.sync_id,
                event.sync_type,
                status,
                event.records_processed,
            )
        tags = {"type": event.sync_type, "status": status}
        metrics.count("sync.ended", tags=tags)
        metrics.timing("sync.duration", event.duration_seconds * 1000, tags=tags)


def connect() -> None:
    """Attach the receivers; called once when the app is ready."""
    log_started, log_completed = LogSyncStarted(), LogSyncCompleted()
    events.sync_started.connect(log_started, weak=False, dispatch_uid="log_sync_started")
    events.sync_completed.connect(log_completed, weak=False, dispatch_uid="log_sync_completed")
    events.sync_failed.connect(log_completed, weak=False, dispatch_uid="log_sync_failed")
