"""What the live page shows before the first event comes."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.db.models import Count, Min, Q
from django.utils import timezone

from accounts.models import User
from synclogs.live import Position
from synclogs.models import Job, JobStatus, SyncLog, SyncStatus

RECENT_RUNS = 15


def live_state(user: User) -> dict[str, Any]:
    """Runs going on, runs that ended lately, the queue, and the position after which events follow."""
    position = str(Position.now())
    runs = SyncLog.objects.visible_to(user).select_related("integration")
    running = runs.filter(sync_status=SyncStatus.STARTED).order_by("started_at")
    ended = runs.exclude(sync_status=SyncStatus.STARTED).order_by("-started_at")[:RECENT_RUNS]
    return {
        "position": position,
        "running": [run.as_live_payload() for run in running],
        "ended": [run.as_live_payload() for run in ended],
        "queue": queue_state(user),
    }


def queue_state(user: User) -> dict[str, Any]:
    """How many jobs wait, run, wait to retry and failed in the last day; how long the oldest waits (s)."""
    now = timezone.now()
    waiting = Q(status=JobStatus.QUEUED)
    counts = (
        Job.objects.visible_to(user)
        .filter(Q(finished_at__isnull=True) | Q(finished_at__gte=now - timedelta(days=1)))
        .aggregate(
            queued=Count("pk", filter=waiting),
            running=Count("pk", filter=Q(status=JobStatus.RUNNING)),
            retry_wait=Count("pk", filter=Q(status=JobStatus.RETRY_WAIT)),
            failed=Count("pk", filter=Q(status=JobStatus.FAILED)),
            oldest=Min("run_at", filter=waiting & Q(run_at__lte=now)),
        )
    )
    oldest = counts.pop("oldest")
    return {**counts, "oldest_wait_seconds": round((now - oldest).total_seconds()) if oldest else 0}
