"""`webhooks list|replay|redeliver|address`."""

from __future__ import annotations

import json
from datetime import timedelta
from io import StringIO
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.test import Client
from django.utils import timezone

from integrations.models import Credential, DeliveryStatus, WebhookDelivery, WebhookKey
from integrations.webhooks.keys import create_key, find_recipient
from synclogs.models import CommandExecution, Job, JobStatus
from tests.integrations.webhooks.conftest import credential_of, post


def call(*arguments: str) -> dict[str, Any]:
    """What the command prints for machines; its exit code under `exit`."""
    out, code = StringIO(), 0
    try:
        call_command("webhooks", *arguments, "--json", stdout=out)
    except SystemExit as error:
        code = int(error.code or 0)
    answer: dict[str, Any] = json.loads(out.getvalue())
    return answer | {"exit": code}


def text(*arguments: str) -> str:
    """What it prints for people."""
    out = StringIO()
    call_command("webhooks", *arguments, stdout=out)
    return out.getvalue()


@pytest.fixture
def delivered(client: Client, plain: Credential) -> list[WebhookDelivery]:
    """Three deliveries that were processed, each an hour after the other; the last has failed."""
    key = create_key(plain)
    for number in range(3):
        post(client, plain, b'{"n": %d}' % number, key)
    Job.objects.update(status=JobStatus.SUCCEEDED)
    rows = list(WebhookDelivery.objects.order_by("received_at"))
    for hours, row in enumerate(reversed(rows)):
        row.received_at = timezone.now() - timedelta(hours=hours, minutes=1)
        row.status = DeliveryStatus.PROCESSED if hours else DeliveryStatus.FAILED
        row.save(update_fields=["received_at", "status"])
    return rows


def test_deliveries_are_listed_newest_first_without_bodies(
    client: Client, delivered: list[WebhookDelivery]
) -> None:
    client.post("/webhooks/plain/stranger/", b"{}", content_type="application/json")
    answer = call("list")
    assert answer["counters"] == {"total": 4, "shown": 4}
    assert [line["status"] for line in answer["deliveries"]] == [
        "rejected",
        "failed",
        "processed",
        "processed",
    ]
    assert "body" not in answer["deliveries"][0]
    assert call("list", "--status", "failed")["counters"]["total"] == 1
    assert call("list", "--since", "90m", "--until", "30m")["counters"]["total"] == 1
    assert "unknown_key" in text("list")


def test_one_account_sees_its_own(client: Client, delivered: list[WebhookDelivery]) -> None:
    other = credential_of("plain")
    post(client, other, b"{}")
    assert call("list", "--account", str(other.account.pk))["counters"]["total"] == 1


def test_a_delivery_is_replayed_by_its_id(delivered: list[WebhookDelivery]) -> None:
    answer = call("replay", str(delivered[0].pk))
    assert (answer["exit"], answer["counters"]) == (0, {"matched": 1, "queued": 1})
    job = Job.objects.get(status=JobStatus.QUEUED)
    assert job.args["delivery"] == str(delivered[0].pk)
    delivered[0].refresh_from_db()
    assert delivered[0].status == DeliveryStatus.QUEUED
    assert call("replay", str(delivered[0].pk))["jobs"] == [str(job.pk)], "the open job is enough"


def test_reprocessing_is_what_a_person_meant(delivered: list[WebhookDelivery]) -> None:
    call("replay", str(delivered[0].pk), "--reprocess")
    assert Job.objects.get(status=JobStatus.QUEUED).args["trigger"] == "retry"


def test_many_are_counted_first_and_queued_with_yes(delivered: list[WebhookDelivery]) -> None:
    assert "1 delivery would be queued again. Add --yes to do it." in text("redeliver", "--provider", "plain")
    assert not Job.objects.filter(status=JobStatus.QUEUED).exists()
    assert not CommandExecution.objects.exists()
    window = ("redeliver", "--since", "3h", "--status", "processed")
    assert call(*window)["counters"] == {"matched": 2, "queued": 0}
    assert call(*window, "--yes", "--dry-run")["counters"]["queued"] == 0
    assert call(*window, "--yes")["counters"] == {"matched": 2, "queued": 2}
    assert Job.objects.filter(status=JobStatus.QUEUED).count() == 2


def test_refused_deliveries_have_nothing_to_replay(client: Client, delivered: list[WebhookDelivery]) -> None:
    client.post("/webhooks/plain/stranger/", b"{}", content_type="application/json")
    refused = WebhookDelivery.objects.get(status=DeliveryStatus.REJECTED)
    answer = call("replay", str(refused.pk))
    assert answer["exit"] == 1
    assert "nothing of a refused delivery is kept" in answer["errors"][0]["message"]
    assert call("redeliver", "--status", "rejected", "--yes")["counters"]["matched"] == 0


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("replay",), "say which"),
        (("replay", "not-an-id"), "is no delivery id"),
        (("redeliver",), "say which"),
        (("redeliver", "some-id", "--yes"), "takes no ids"),
        (("list", "--limit", "0"), "--limit"),
        (("list", "--since", "soon"), "since"),
        (("address", "x"), "id of one credential"),
        (("address", "0"), "no credential 0"),
        (("replay", "--file", "nowhere.json"), "say to whom"),
        (("replay", "--file", "nowhere.json", "--provider", "nobody"), "takes no webhooks"),
    ],
)
def test_wrong_usage_is_explained(db: None, arguments: tuple[str, ...], words: str) -> None:
    with pytest.raises(CommandError, match=words):
        call_command("webhooks", *arguments)


def test_an_unknown_id_is_named(db: None) -> None:
    answer = call("replay", str(uuid4()))
    assert (answer["exit"], answer["errors"][0]["code"]) == (1, "not_found")


def test_a_fixture_is_delivered_as_the_vendor_would(signed: Credential, tmp_path: Path) -> None:
    path = tmp_path / "event.json"
    path.write_text('{"type": "event_callback", "event_id": "Ev9"}')
    answer = call("replay", "--file", str(path), "--provider", "signed")
    assert (answer["exit"], answer["answer"]) == (0, {"status": 200, "body": ""})
    assert WebhookDelivery.objects.get().event_id == "Ev9"
    path.write_text("not json")
    assert call("replay", "--file", str(path), "--credential", str(signed.pk))["exit"] == 1


def test_the_address_is_printed_and_rotated(plain: Credential) -> None:
    first = text("address", str(plain.pk)).strip()
    assert text("address", str(plain.pk)).strip() == first
    second = text("address", str(plain.pk), "--rotate").strip()
    keys = [address.rstrip("/").rpartition("/")[2] for address in (first, second)]
    assert keys[0] != keys[1]
    assert all(find_recipient("plain", key, timezone.now()) for key in keys)
    assert WebhookKey.objects.filter(retires_at__isnull=False).count() == 1
    assert not any(key in str(CommandExecution.objects.values_list("args", "error")) for key in keys)
