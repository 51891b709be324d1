"""Which workers live, for operators on any host: rows that supervisors renew."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from django.conf import settings
from django.utils import timezone

from integrations.jobs.cluster_process import ClusterProcess
from integrations.jobs.process import owner_id
from synclogs.models import WorkerHeartbeat

FORGOTTEN_AFTER = timedelta(hours=1)
MINIMUM_SILENCE_SECONDS = 15.0


def note_workers(clusters: Sequence[ClusterProcess]) -> int:
    """Say that these clusters of this supervisor live, and drop those not heard of for an hour."""
    now = timezone.now()
    WorkerHeartbeat.objects.bulk_create(
        [
            WorkerHeartbeat(
                supervisor=owner_id(),
                queue=cluster.queue,
                workers=cluster.workers if cluster.is_running() else 0,
                started_at=cluster.started_at,
                beat_at=now,
            )
            for cluster in clusters
        ],
        update_conflicts=True,
        unique_fields=["supervisor", "queue"],
        update_fields=["workers", "started_at", "beat_at"],
    )
    WorkerHeartbeat.objects.filter(beat_at__lt=now - FORGOTTEN_AFTER).delete()
    return len(clusters)


def forget_workers() -> None:
    """This supervisor stops, and its workers with it."""
    WorkerHeartbeat.objects.filter(supervisor=owner_id()).delete()


def live_workers() -> dict[str, int]:
    """How many workers live, by the queue that they serve; `all` are those that serve every queue."""
    silence = timedelta(seconds=max(MINIMUM_SILENCE_SECONDS, settings.JOB_HEARTBEAT_SECONDS))
    found: dict[str, int] = {}
    fresh = WorkerHeartbeat.objects.filter(beat_at__gte=timezone.now() - silence)
    for queue, workers in fresh.values_list("queue", "workers"):
        found[queue] = found.get(queue, 0) + workers
    return found
