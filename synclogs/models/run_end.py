"""Changing an open run under its owner token, and ending it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.utils import timezone

from synclogs.counts import Counts
from synclogs.models.run_states import RunFenced, SyncPhase, SyncStatus
from synclogs.redaction import redact_text

if TYPE_CHECKING:
    from synclogs.models.sync_log import SyncLog

MAX_ERROR_MESSAGE = 2000


def update_fenced(run: SyncLog, columns: Mapping[str, Any]) -> None:
    """Write columns of an open run. Raises RunFenced when it was ended or its token is another's now."""
    changed = (
        type(run)
        .objects.filter(pk=run.pk, sync_status=SyncStatus.STARTED, owner_token=run.owner_token)
        .update(updated_at=timezone.now(), **columns)
    )
    if not changed:
        raise RunFenced(f"run {run.pk} is no longer owned by this process")


def set_fenced(run: SyncLog, columns: Mapping[str, Any]) -> None:
    """The same, and on the object too; for plain values only."""
    update_fenced(run, columns)
    for name, value in columns.items():
        setattr(run, name, value)


def end(run: SyncLog, status: SyncStatus, results: Mapping[str, int] | None, **columns: Any) -> None:
    """End an open run, release its lock and tell whoever listens, in one transaction.

    `results` replaces the counts when given. Raises RunFenced as `update_fenced` does.
    """
    ended = timezone.now()
    if "error_message" in columns:
        columns["error_message"] = redact_text(columns["error_message"])[:MAX_ERROR_MESSAGE]
    if results is not None:
        columns |= Counts.from_results(results).as_columns()
    columns |= {
        "sync_status": status,
        "phase": SyncPhase.NONE,
        "lock_key": None,
        "completed_at": ended,
        "duration_seconds": max(0.0, (ended - run.started_at).total_seconds()),
    }
    with transaction.atomic():
        set_fenced(run, columns)
        run.announce_end()
