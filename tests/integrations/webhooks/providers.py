"""Providers as the receiver sees them: one signs, one has a secret address, one a header, one an SDK."""

from __future__ import annotations

from typing import Any, ClassVar

from integrations.jobs.base import BaseJob
from integrations.jobs.registry import register_job
from integrations.registry import Provider
from integrations.webhooks.declaration import Answer, Ignore, Reading, Receipt, Recipient, Take, Webhook
from integrations.webhooks.messages import Head, Incoming, Reply, json_object
from integrations.webhooks.verifiers import AddressOnly, HeaderSecret, TimestampedHmac, VendorVerifier
from synclogs.models import JobQueue


@register_job
class HookJob(BaseJob):
    """Takes a delivery on; here it only notes which."""

    name = "tests.hook"
    provider = "tests"
    job_type = "hook"
    queue = JobQueue.WEBHOOK
    timeout = 5
    handled: ClassVar[list[str]] = []

    def handle(self) -> str | None:
        """Note the delivery."""
        self.handled.append(str(self.args["delivery"]))
        return None


def read_event(incoming: Incoming, recipient: Recipient) -> Reading:
    """An envelope like Slack's."""
    document = json_object(incoming.content)
    if document.get("type") == "url_verification":
        return Answer(Reply.json({"challenge": document.get("challenge")}))
    retry = incoming.header("x-slack-retry-num")
    number = int(retry) if retry.isdecimal() else 0
    if document.get("type") == "explode":
        raise RuntimeError("a defect of the provider")
    if document.get("type") != "event_callback":
        return Ignore("unknown type", event_id=str(document.get("event_id", "")), attempt_no=number)
    return Take(event_id=str(document.get("event_id", "")), attempt_no=number)


def acknowledge(receipt: Receipt) -> Reply:
    """Say which delivery it became."""
    return Reply.json({"status": receipt.fate.value, "delivery_id": str(receipt.delivery_id)})


def probe(head: Head, recipient: Recipient) -> Reply:
    """Echo the vendor's question."""
    return Reply.json({"asked": head.query})


def broken_sdk(body: bytes, headers: Any, secrets: Any) -> bool:
    """An SDK that does not expect a header to be missing."""
    return bool(headers["x-sdk-signature"].split("=")[1] == "ok")


def sdk_headers(body: bytes, secrets: Any, at: Any) -> dict[str, str]:
    """What that SDK accepts."""
    return {"X-Sdk-Signature": "v=ok"}


IN_A_HEADER = HeaderSecret(("X-API-Key", "Authorization"), ("api_key", "previous_api_key"))

PROVIDERS = (
    Provider("signed", "Signed", (HookJob,), webhook=Webhook(HookJob, TimestampedHmac(), read=read_event)),
    Provider(
        "plain",
        "Plain",
        (HookJob,),
        webhook=Webhook(
            HookJob, AddressOnly(), acknowledge=acknowledge, probe=probe, max_body_bytes=2_000_000
        ),
    ),
    Provider(
        "headed",
        "Headed",
        (HookJob,),
        webhook=Webhook(
            HookJob, HeaderSecret(("X-API-Key", "Authorization"), ("api_key", "previous_api_key"))
        ),
    ),
    Provider("sdk", "Sdk", (HookJob,), webhook=Webhook(HookJob, VendorVerifier(broken_sdk, sdk_headers))),
)
