"""When circuits sync by themselves: New York's time, weekdays. A connection that is paused is left alone."""

from circuits import services
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


def _take_snapshots() -> Job:
    return services.queue_daily_snapshots(trigger=SyncTrigger.SCHEDULED)


SCHEDULES = (
    Schedule("sync-circuits-activ-morning", "30 4 * * 1-5", _sync_active, "circuits in progress"),
    Schedule("sync-circuits-activ-afternoon", "30 16 * * 1-5", _sync_active, "circuits in progress"),
    Schedule("sync-circuits-weekly", "30 4 * * 1", _sync_the_rest, "circuits in QC, rework and closed"),
    Schedule("create-daily-snapshots", "0 5 * * 1-5", _take_snapshots, "a snapshot of every circuit"),
)
