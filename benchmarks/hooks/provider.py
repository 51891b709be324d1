"""A provider whose deliveries are signed as Slack's; its job does nothing."""

from __future__ import annotations

from integrations.jobs.base import BaseJob
from integrations.jobs.registry import register_job
from integrations.registry import Provider, register
from integrations.webhooks.declaration import Reading, Recipient, Take, Webhook
from integrations.webhooks.messages import Incoming, json_object
from integrations.webhooks.verifiers import TimestampedHmac
from synclogs.models import JobQueue

SIGNING = TimestampedHmac()


@register_job
class HookJob(BaseJob):
    """Takes a delivery on and leaves it."""

    name = "bench.hook"
    provider = "bench"
    job_type = "hook"
    queue = JobQueue.WEBHOOK

    def handle(self) -> str | None:
        """Do nothing."""
        return None


def read_event(incoming: Incoming, recipient: Recipient) -> Reading:
    """An event with an id of its own."""
    return Take(event_id=str(json_object(incoming.content)["event_id"]))


register(Provider("bench", "Bench", (HookJob,), webhook=Webhook(HookJob, SIGNING, read=read_event)))
