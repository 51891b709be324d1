"""Reading the broker that the settings name, whichever it is."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django_q.models import OrmQ
from django_q.signing import SignedPackage

from integrations.jobs import qcluster
from synclogs.models import JobQueue


def messages() -> list[dict[str, Any]]:
    """What waits at the broker, oldest first a queue."""
    if settings.QUEUE_BROKER == "orm":
        packed = list(OrmQ.objects.order_by("lock", "id").values_list("payload", flat=True))
    else:
        keys = dict.fromkeys(qcluster.broker_key(queue) for queue in JobQueue.values)
        brokers = [qcluster._broker(key) for key in keys]
        packed = [item for broker in brokers for item in broker.connection.lrange(broker.list_key, 0, -1)]
    return [SignedPackage.loads(item) for item in packed]


def arguments() -> list[tuple[str, ...]]:
    """The arguments of what waits."""
    return [message["args"] for message in messages()]


def empty() -> None:
    """The broker loses everything."""
    OrmQ.objects.all().delete()
    if settings.QUEUE_BROKER == "redis":
        for queue in JobQueue.values:
            qcluster._broker(qcluster.broker_key(queue)).purge_queue()
