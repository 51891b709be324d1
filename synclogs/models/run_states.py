"""The words for a run: where it stands, why it was started, what it does, why it cannot go on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import models

if TYPE_CHECKING:
    from synclogs.models.sync_log import SyncLog


class SyncStatus(models.TextChoices):
    """Where a run stands. `warning` is printed `completed_with_warning` for machines."""

    STARTED = "started", "running"
    COMPLETED = "completed", "completed"
    WARNING = "warning", "completed with warning"
    FAILED = "failed", "failed"
    CANCELLED = "cancelled", "cancelled"


class SyncTrigger(models.TextChoices):
    """Why a run was started."""

    SCHEDULED = "scheduled", "scheduled"
    MANUAL = "manual", "manual"
    RETRY = "retry", "retry"
    WEBHOOK = "webhook", "webhook"
    WORKFLOW_EVENT = "workflow_event", "workflow event"
    INIT = "init", "first connection"
    BACKFILL = "backfill", "backfill"


class SyncPhase(models.TextChoices):
    """What a running run is doing; empty once it has ended."""

    NONE = "", "-"
    REQUESTED = "requested", "requested"
    FETCHING = "fetching", "fetching"
    PROCESSING = "processing", "processing"


class SyncAlreadyRunning(Exception):
    """Another run holds the same lock key.

    `running` is that run, or None when it ended in the meantime.
    """

    def __init__(self, lock_key: str, running: SyncLog | None) -> None:
        self.lock_key = lock_key
        self.running = running
        super().__init__(f"already running: {lock_key}")


class RunFenced(Exception):
    """This process no longer owns the run: its lease lapsed and another took over, or it was ended."""
