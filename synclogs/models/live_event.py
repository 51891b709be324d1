"""LiveEvent: what the live pages hear of, across processes and hosts, on whatever database is used."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar

import orjson
from django.db import models

from accounts.models import Account
from synclogs.redaction import redact_value


class LiveEventManager(models.Manager["LiveEvent"]):
    """Publishes events in the caller's transaction: no commit, no event."""

    def publish(
        self, channels: Sequence[str], kind: str, payload: Mapping[str, Any], *, account_id: int | None = None
    ) -> None:
        """Put one event on several channels. `payload` is redacted; times and ids in it become text.

        With `account_id` only those who may see that account hear of it.
        """
        self.publish_all(((channel, kind, payload) for channel in channels), account_id=account_id)

    def publish_all(
        self, news: Iterable[tuple[str, str, Mapping[str, Any]]], *, account_id: int | None = None
    ) -> None:
        """Put many events on their channels at once, each given as (channel, kind, payload)."""
        self.bulk_create(
            (
                LiveEvent(channel=channel, kind=kind, payload=_clean(payload), account_id=account_id)
                for channel, kind, payload in news
            ),
            batch_size=500,
        )


class LiveEvent(models.Model):
    """One message on a live channel. Its id is where a reader that was cut off goes on."""

    channel = models.CharField(max_length=100)
    account = models.ForeignKey(Account, null=True, blank=True, on_delete=models.CASCADE, related_name="+")
    kind = models.CharField(max_length=60)
    payload = models.JSONField(default=dict)
    created_at = models.DateTimeField(auto_now_add=True, db_index=True)

    objects: ClassVar[LiveEventManager] = LiveEventManager()

    class Meta:
        db_table = "live_events"
        ordering = ("id",)
        indexes = (models.Index(fields=("channel", "id"), name="live_event_channel_id"),)

    def __str__(self) -> str:
        return f"{self.channel} {self.kind} {self.pk}"


def _clean(payload: Mapping[str, Any]) -> Any:
    return redact_value(orjson.loads(orjson.dumps(dict(payload), default=str)))
