"""Deliveries of a phone: the door, the chunks, which connection gets what, and what is kept."""

from __future__ import annotations

import gzip
import json
from typing import Any

import pytest
from django.test import Client

from accounts.models import User
from integrations.jobs.runner import run_job
from integrations.models import DeliveryStatus, Event, RawPayload, WebhookDelivery
from integrations.webhooks.keys import create_key
from synclogs.models import Job, SyncStatus
from tests.integrations.providers.apple_health.conftest import Phone, fixture, run_waiting


def points(count: int, metric: str = "step_count") -> dict[str, Any]:
    """A metric with so many points, one a minute."""
    data = [
        {"date": f"2026-01-{1 + n // 1440:02} {n // 60 % 24:02}:{n % 60:02}:00 +0000", "qty": n}
        for n in range(count)
    ]
    return {"name": metric, "units": "count", "data": data}


def body_of(*metrics: dict[str, Any], **arrays: Any) -> bytes:
    """An export's body."""
    return json.dumps({"data": {**({"metrics": metrics} if metrics else {}), **arrays}}).encode()


def test_an_accepted_delivery_says_its_id(phone: Phone) -> None:
    answer = phone.post(fixture("metrics"))
    assert answer.status_code == 200
    assert answer.json() == {"status": "accepted", "delivery_id": str(phone.delivery.pk)}
    assert phone.delivery.notes["arrays"] == {"metrics": 6}


def test_the_same_body_again_is_a_duplicate_and_not_processed(phone: Phone) -> None:
    phone.deliver(fixture("metrics"))
    jobs = Job.objects.count()
    answer = phone.post(fixture("metrics"))
    assert (answer.status_code, answer.json()["status"]) == (200, "duplicate")
    assert (Job.objects.count(), phone.delivery.duplicates) == (jobs, 1)


def test_each_connection_gets_its_own_array(phone: Phone) -> None:
    document = json.loads(fixture("metrics"))
    document["data"] |= json.loads(fixture("workouts"))["data"]
    phone.deliver(json.dumps(document).encode())
    metrics, workouts = phone.connections["metrics"], phone.connections["workouts"]
    assert set(Event.objects.filter(integration=metrics).values_list("action", flat=True)) == {"measurement"}
    assert set(Event.objects.filter(integration=workouts).values_list("action", flat=True)) == {
        "completed_workout"
    }


def test_metrics_for_a_connection_of_workouts_are_kept_and_ignored(owner: User) -> None:
    phone = Phone(owner.membership_set.get().account, owner, "workouts")
    assert phone.deliver(fixture("metrics")).sync_status == SyncStatus.COMPLETED
    assert phone.delivery.status == DeliveryStatus.IGNORED
    assert phone.delivery.error == "holds metrics; the connections take workouts"
    assert not Event.objects.exists()


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b'{"data": {"metrics": [], "workouts": []}}', "holds nothing"),
        (b"{}", "holds nothing"),
        (
            b'{"data": {"ecg": [{}], "symptoms": [1]}}',
            "holds only ecg, symptoms, which is kept and not mapped",
        ),
    ],
)
def test_what_is_not_mapped_is_kept_without_a_job(phone: Phone, body: bytes, reason: str) -> None:
    answer = phone.post(body)
    assert (answer.status_code, answer.json()["status"], answer.json()["reason"]) == (200, "ignored", reason)
    assert bytes(phone.delivery.body or b"") == body
    assert not Job.objects.exists()


@pytest.mark.parametrize("wrap", ["{}", '{{"data": {}}}', '{{"payload": {{"data": {}}}}}'])
def test_three_envelopes_are_understood(phone: Phone, wrap: str) -> None:
    inner = json.dumps(json.loads(fixture("workouts"))["data"])
    run = phone.deliver(wrap.format(inner).encode())
    assert run.records_created == 4


@pytest.mark.parametrize(
    "body",
    [b"[]", b"null", b'{"data": []}', b'{"data": {"metrics": [NaN]}}', b'{"data": {"metrics": [1}}', b"\xff"],
)
def test_what_is_no_export_is_a_400_and_not_kept(phone: Phone, body: bytes) -> None:
    assert phone.post(body).status_code == 400
    assert WebhookDelivery.objects.get().status == DeliveryStatus.REJECTED


def test_a_metric_that_is_no_object_fails_the_delivery_visibly(phone: Phone) -> None:
    phone.post(b'{"data": {"metrics": [5]}}')
    run_waiting()
    assert phone.delivery.status == DeliveryStatus.FAILED
    assert "a metric is not an object" in phone.delivery.error


def test_a_csv_export_is_a_415(phone: Phone) -> None:
    answer = Client().post(f"/webhooks/apple_health/{phone.key}/", {"file": "a,b"})
    assert answer.status_code == 415


def test_a_header_key_is_asked_for_when_one_is_set(phone: Phone) -> None:
    phone.credential.replace_secrets({"header_key": "typed-into-the-app"})
    assert phone.post(b"{}").status_code == 401
    assert phone.post(b"{}", X_API_Key="typed-into-the-app").status_code == 200
    assert WebhookDelivery.objects.filter(status=DeliveryStatus.REJECTED).get().body is None


def test_gzip_is_inflated(phone: Phone) -> None:
    assert phone.deliver(gzip.compress(fixture("workouts")), Content_Encoding="gzip").records_created == 4


def test_many_points_are_chunks_of_a_hundred(phone: Phone) -> None:
    run = phone.deliver(body_of(points(250), points(30, "active_energy")))
    sizes = sorted(RawPayload.objects.values_list("item_count", flat=True))
    assert sizes == [30, 50, 100, 100]
    assert (run.records_created, run.jobs_total) == (280, 4)


def test_one_bad_point_does_not_stop_the_others(phone: Phone) -> None:
    metric = points(100)
    metric["data"][7] = "not a point"
    metric["data"][8] = {"date": "2026-01-01 00:08:00 +0000", "qty": 10**30}
    run = phone.deliver(body_of(metric))
    assert (run.records_created, run.records_failed) == (98, 2)
    assert run.sync_status == SyncStatus.WARNING


def test_points_of_one_metric_do_not_cost_more_queries(
    phone: Phone, django_assert_max_num_queries: Any
) -> None:
    phone.post(body_of(points(1000)))
    hook = Job.objects.get()
    with django_assert_max_num_queries(80):
        run_job(str(hook.pk))
    assert RawPayload.objects.count() == 10


def test_the_address_of_another_phone_does_not_lead_here(phone: Phone, owner: User) -> None:
    other = Phone(owner.membership_set.get().account, owner, "metrics")
    other.key = create_key(other.credential)
    other.deliver(fixture("metrics"))
    assert not Event.objects.filter(integration=phone.connections["metrics"]).exists()
