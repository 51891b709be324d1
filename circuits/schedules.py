"""When circuits sync by themselves: New York's time. A connection that is paused is left alone."""

from __future__ import annotations

from django.conf import settings

from circuits import services
from circuits.aggregates.selection import Wanted
from circuits.statuses import ApiStatus
from integrations.schedules.declared import Schedule
from synclogs.models import Job, SyncTrigger

WEEKLY = (ApiStatus.QC, ApiStatus.REWRK, ApiStatus.CLOSE)


def _sync_active() -> Job | None:
    if services.workstudio_connection().paused:
        return None
    return services.queue_circuit_sync([ApiStatus.ACTIV], trigger=SyncTrigger.SCHEDULED)


def _sync_the_rest() -> Job | None:
    if services.workstudio_connection().paused:
        return None
    return services.queue_circuit_sync(WEEKLY, trigger=SyncTrigger.SCHEDULED)


def _sync_aggregates() -> Job | None:
    """All of them: twelve hours after the last time, most are a few minutes short of being due."""
    if services.workstudio_connection().paused:
        return None
    return services.queue_aggregates(Wanted(force=True), trigger=SyncTrigger.SCHEDULED)


def _take_snapshots() -> Job:
    return services.queue_daily_snapshots(trigger=SyncTrigger.SCHEDULED)


def _close_the_week() -> Job:
    return services.queue_weekly_aggregates(trigger=SyncTrigger.SCHEDULED)


CIRCUITS = (
    Schedule("sync-circuits-activ-morning", "30 4 * * 1-5", _sync_active, "circuits in progress"),
    Schedule("sync-circuits-activ-afternoon", "30 16 * * 1-5", _sync_active, "circuits in progress"),
    Schedule("sync-circuits-weekly", "30 4 * * 1", _sync_the_rest, "circuits in QC, rework and closed"),
    Schedule("create-daily-snapshots", "0 5 * * 1-5", _take_snapshots, "a snapshot of every circuit"),
)
AGGREGATES = (
    Schedule("sync-aggregates-morning", "30 5 * * 1-5", _sync_aggregates, "planned units of open circuits"),
    Schedule(
        "sync-aggregates-afternoon", "30 17 * * 1-5", _sync_aggregates, "planned units of open circuits"
    ),
    Schedule("build-weekly-aggregates", "0 23 * * 6", _close_the_week, "planned units at the week's end"),
)


def circuit_schedules() -> tuple[Schedule, ...]:
    """Those of this installation: the ones of planned units can be switched off."""
    return (*CIRCUITS, *AGGREGATES) if settings.WORKSTUDIO_SCHEDULE_AGGREGATES else CIRCUITS
