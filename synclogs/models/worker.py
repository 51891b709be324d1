"""WorkerHeartbeat: which workers live, as their supervisor last said."""

from __future__ import annotations

from django.db import models


class WorkerHeartbeat(models.Model):
    """One cluster of workers. Its supervisor renews `beat_at` and deletes the row when it stops.

    `queue` is a queue's name, or `all` for a cluster that serves every queue.
    """

    supervisor = models.CharField(max_length=120, help_text="host:pid:start time of the supervisor.")
    queue = models.CharField(max_length=20)
    workers = models.PositiveIntegerField()
    started_at = models.DateTimeField()
    beat_at = models.DateTimeField()

    class Meta:
        db_table = "worker_heartbeats"
        verbose_name = "workers"
        verbose_name_plural = "workers"
        constraints = (
            models.UniqueConstraint(fields=("supervisor", "queue"), name="worker_heartbeat_cluster"),
        )

    def __str__(self) -> str:
        return f"{self.workers} workers of {self.supervisor} ({self.queue})"
