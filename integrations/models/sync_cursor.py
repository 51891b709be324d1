"""SyncCursor: how far a stream of a connection has been pulled."""

from __future__ import annotations

from django.db import models

from integrations.models.integration import Integration


class SyncCursor(models.Model):
    """The position of one stream, moved only in the transaction that stores what was read up to there.

    `partition` tells parts of a stream apart that are pulled on their own (a channel, an account). `state` is
    the paginator's own; `high_water` the latest time of change seen, for operators and overlapping windows.
    """

    integration = models.ForeignKey(Integration, on_delete=models.CASCADE, related_name="cursors")
    stream = models.CharField(max_length=60)
    partition = models.CharField(max_length=200, blank=True, default="")
    state = models.JSONField(default=dict, blank=True)
    high_water = models.DateTimeField(null=True, blank=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        db_table = "sync_cursors"
        verbose_name = "cursor"
        ordering = ("integration", "stream", "partition")
        constraints = (
            models.UniqueConstraint(
                fields=("integration", "stream", "partition"), name="sync_cursor_stream_partition"
            ),
        )

    def __str__(self) -> str:
        return f"{self.stream}/{self.partition}" if self.partition else self.stream
