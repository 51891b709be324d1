"""What Monzo sends, from the door to the event."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
import pytest
from django.test import Client

from integrations.models import Credential, DeliveryStatus, Event, Integration, WebhookDelivery
from integrations.providers.monzo.accounts import remember
from integrations.webhooks import keys
from tests.integrations.providers.monzo.conftest import Monzo, event, work

pytestmark = pytest.mark.django_db

SAMPLES = Path(__file__).parents[3] / "fixtures" / "monzo" / "webhooks.json"
Connections = dict[str, Integration]
TAKEN = (DeliveryStatus.QUEUED, DeliveryStatus.PROCESSED)


def samples() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = orjson.loads(SAMPLES.read_bytes())
    return found


@pytest.fixture
def bank(monzo: Monzo, credential: Credential, connections: Connections) -> Monzo:
    monzo.seed(months=1, per_month=2)
    account = monzo.account("uk_retail")["id"]
    remember(
        credential, [{"id": account, "type": "uk_retail"}, {"id": "acc_0000AfT2kWq9PzLm3VbN7d", "type": "x"}]
    )
    return monzo


def send(credential: Credential, document: Any) -> int:
    body = document if isinstance(document, bytes) else orjson.dumps(document)
    path = keys.address(credential).partition("/webhooks/")[2]
    answer = Client().post(f"/webhooks/{path}", body, content_type="application/json")
    return answer.status_code


def test_a_delivery_is_checked_with_the_api_before_it_is_believed(
    bank: Monzo, credential: Credential
) -> None:
    made = bank.sandbox._generator.one(bank.account("uk_retail")["id"], "card", amount=-1234)
    claimed = {"type": "transaction.created", "data": {**made, "amount": -1}}
    assert send(credential, claimed) == 200
    work()
    row = event(made["id"])
    assert row.value == -1234
    assert "unverified" not in row.event_metadata
    assert WebhookDelivery.objects.get().status in TAKEN


def test_without_the_api_it_is_taken_as_it_is_and_says_so(bank: Monzo, credential: Credential) -> None:
    bank.fault(kind="status", status=404, times="forever", match={"path": "transactions/"})
    assert send(credential, samples()[0]) == 200
    work()
    row = event("tx_0000Ak4Hm2VbKs8QyLpC6e")
    assert (row.value, row.event_metadata["unverified"]) == (-2317, True)


def test_samples(bank: Monzo, credential: Credential) -> None:
    bank.fault(kind="status", status=404, times="forever", match={"path": "transactions/"})
    assert [send(credential, each) for each in samples()] == [200] * 5
    work()
    first, minimal, update, unknown = WebhookDelivery.objects.order_by("received_at")
    assert first.status in TAKEN
    assert first.duplicates == 1
    assert minimal.status in TAKEN
    assert (update.status, update.error) == (DeliveryStatus.IGNORED, "unknown_type")
    assert (unknown.status, unknown.error) == (DeliveryStatus.IGNORED, "unknown_account")
    assert first.event_id.startswith("transaction.created:tx_0000Ak4Hm2VbKs8QyLpC6e:")
    assert Event.objects.count() == 2


@pytest.mark.parametrize(
    ("body", "status"),
    [(b"{", 400), (b"[]", 400), (b'"text"', 400), (b"\xff\xfe", 400), (b"{}", 200), (b'{"type": 7}', 200)],
)
def test_hostile_bodies_are_answered_and_make_nothing(
    bank: Monzo, credential: Credential, body: bytes, status: int
) -> None:
    assert send(credential, body) == status
    work()
    assert not Event.objects.exists()


def test_a_body_over_a_mebibyte_and_an_unknown_key(bank: Monzo, credential: Credential) -> None:
    assert send(credential, b" " * (2**20 + 1)) == 413
    assert Client().post("/webhooks/monzo/guess/", b"{}", content_type="application/json").status_code == 404


def test_the_simulator_delivers_as_monzo_does(
    bank: Monzo, credential: Credential, live_server: Any, settings: Any
) -> None:
    settings.SITE_URL = live_server.url
    account = bank.account("uk_retail")["id"]
    url = keys.address(credential)
    bank.bank.webhooks["w"] = {"id": "w", "account_id": account, "url": url}
    made = bank.sandbox._generator.one(account)
    thread = bank.sandbox.sender.send(url, "transaction.created", bank.bank.shown(made, expand=True))
    thread.join(20)
    assert [each["status"] for each in bank.sandbox.sender.attempts] == [200]
    work()
    assert event(made["id"]).value == made["amount"]


def test_the_simulator_tries_five_times(bank: Monzo) -> None:
    bank.sandbox.sender.first_wait = 0.01
    thread = bank.sandbox.sender.send("http://127.0.0.1:9/webhooks/", "transaction.created", {"id": "tx_1"})
    thread.join(20)
    assert [each["attempt"] for each in bank.sandbox.sender.attempts] == [1, 2, 3, 4, 5]
