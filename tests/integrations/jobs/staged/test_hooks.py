"""Deliveries: taken apart once, for every connection of the credential."""

from __future__ import annotations

import pytest

from integrations.models import DeliveryStatus, Event, Integration, RawPayload, WebhookDelivery
from synclogs.models import Job, SyncLog, SyncStatus
from tests.diary.jobs import DiaryEntryData, DiaryHook
from tests.diary.sandbox import entry
from tests.integrations.jobs.staged.conftest import run, run_waiting

pytestmark = pytest.mark.django_db


def test_a_delivery_becomes_events(diary: Integration) -> None:
    job = DiaryHook.dispatch({"entries": [entry(1), entry(2)]}, {"Authorization": "Bearer x"}, diary)
    delivery = WebhookDelivery.objects.get()
    assert delivery.headers == {"Authorization": "[redacted]"}
    assert run(job) == "succeed"
    delivery.refresh_from_db()
    assert delivery.status == DeliveryStatus.QUEUED
    assert RawPayload.objects.get().delivery == delivery
    assert run_waiting() == ["succeed"]
    delivery.refresh_from_db()
    assert delivery.status == DeliveryStatus.PROCESSED
    log = SyncLog.objects.get()
    assert (log.sync_trigger, log.sync_status, log.records_created) == ("webhook", SyncStatus.COMPLETED, 2)
    assert Event.objects.count() == 2
    diary.refresh_from_db()
    assert diary.last_processed_at is not None


def test_the_same_delivery_again_is_counted_and_changes_nothing(diary: Integration) -> None:
    for _ in range(2):
        run(DiaryHook.dispatch(b'{"entries": []}', {}, diary))
    assert WebhookDelivery.objects.get().duplicates == 1
    for _ in range(2):
        run(DiaryHook.dispatch({"entries": [entry(1)]}, {}, diary))
        run_waiting()
    assert Event.objects.count() == 1
    assert Job.objects.filter(name=DiaryEntryData.name, result="skipped").count() == 1


def test_a_delivery_serves_every_connection_of_its_credential(diary: Integration) -> None:
    other = Integration.objects.create(
        account=diary.account, user=diary.user, credential=diary.credential, provider="diary",
        instance_type="mail", name="Mail",
    )  # fmt: skip
    delivery = WebhookDelivery.objects.create(
        provider="diary",
        account=diary.account,
        credential=diary.credential,
        received_at="2026-03-01T00:00:00Z",
        event_id="one",
        body=b'{"entries": [' + b'{"id": 1, "at": "2026-03-01T08:00:00Z", "mood": "", "score": 1,'
        b' "place": {"id": "p", "name": "P"}}]}',
    )
    run(DiaryHook.dispatch(delivery=delivery))
    run_waiting()
    assert set(Event.objects.values_list("integration", flat=True)) == {diary.pk, other.pk}
    assert SyncLog.objects.get().records_created == 2


@pytest.mark.parametrize("body", [b"", b"not json", b"[]", b'{"entries": 1}', b"\xff\xfe"])
def test_a_delivery_that_makes_no_sense_fails_and_says_why(diary: Integration, body: bytes) -> None:
    assert run(DiaryHook.dispatch(body, {}, diary)) == "fail"
    delivery = WebhookDelivery.objects.get()
    assert delivery.status == DeliveryStatus.FAILED
    assert delivery.error
    assert SyncLog.objects.get().error_code == "bad_body"


def test_a_payload_needs_a_connection(diary: Integration) -> None:
    with pytest.raises(ValueError, match="connection"):
        DiaryHook.dispatch({"entries": []}, {})
