"""What becomes of deliveries: stored with a job, repeated, ignored, answered, refused."""

from __future__ import annotations

import gzip
import hashlib
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone

from integrations.models import Credential, CredentialStatus, DeliveryStatus, WebhookDelivery
from integrations.webhooks.keys import create_key, retire_keys
from integrations.webhooks.verifiers import TimestampedHmac
from synclogs.models import Job, JobStatus
from tests.integrations.webhooks.conftest import credential_of, post

EVENT = b'{"type": "event_callback", "event_id": "Ev1", "event": {"text": "caf\xc3\xa9"}}'

MORE_HEADERS = {"X-Slack-Retry-Num": "2", "Authorization": "Bearer abcdef123"}


def headers_of(credential: Credential, body: bytes, **ago: float) -> dict[str, str]:
    """The headers of a signed delivery, so long ago."""
    return TimestampedHmac().sign(body, credential.secrets, timezone.now() - timedelta(**ago))


def test_a_signed_delivery_is_stored_whole_with_its_job(client: Client, signed: Credential) -> None:
    answer = post(client, signed, EVENT, headers=headers_of(signed, EVENT))
    assert (answer.status_code, answer.content) == (200, b"")
    delivery = WebhookDelivery.objects.get()
    assert bytes(delivery.body or b"") == EVENT
    assert (delivery.event_id, delivery.status) == ("Ev1", DeliveryStatus.QUEUED)
    assert (delivery.credential, delivery.account) == (signed, signed.account)
    assert delivery.body_sha256 == hashlib.sha256(EVENT).hexdigest()
    assert (delivery.body_size, delivery.http_status_returned) == (len(EVENT), 200)
    job = Job.objects.get()
    assert job.args == {"delivery": str(delivery.pk), "content": "Ev1"}
    assert (job.account, job.status, job.queue) == (signed.account, JobStatus.QUEUED, "webhook")
    assert job.enqueued_at is None, "the dispatcher hands it over"


def test_its_signature_is_not_kept(client: Client, signed: Credential) -> None:
    headers = headers_of(signed, EVENT)
    post(
        client,
        signed,
        EVENT,
        headers=headers | {"X-Slack-Retry-Num": "2", "Authorization": "Bearer abcdef123"},
    )
    delivery = WebhookDelivery.objects.get()
    assert delivery.attempt_no == 2
    assert delivery.headers["x-slack-retry-num"] == "2"
    assert headers["X-Slack-Signature"] not in str(delivery.headers)
    assert "abcdef123" not in str(delivery.headers)


def test_a_repeat_is_acknowledged_and_counted_once_more(client: Client, signed: Credential) -> None:
    key = create_key(signed)
    for _ in range(3):
        answer = post(client, signed, EVENT, key, headers=headers_of(signed, EVENT))
        assert answer.status_code == 200
    assert WebhookDelivery.objects.get().duplicates == 2
    assert Job.objects.count() == 1


def test_without_an_event_id_the_body_tells_repeats_apart(client: Client, plain: Credential) -> None:
    key = create_key(plain)
    first, second, other = (post(client, plain, body, key) for body in (b'{"a":1}', b'{"a":1}', b'{"a":2}'))
    assert [one.json()["status"] for one in (first, second, other)] == ["accepted", "duplicate", "accepted"]
    assert first.json()["delivery_id"] == second.json()["delivery_id"]
    assert WebhookDelivery.objects.count() == Job.objects.count() == 2


def test_two_credentials_may_get_the_same_event(client: Client, db: None) -> None:
    for _ in range(2):
        post(client, credential_of("plain"), b"{}")
    assert WebhookDelivery.objects.filter(duplicates=0).count() == 2


def test_an_unmatched_delivery_is_kept_whole_without_a_job(client: Client, signed: Credential) -> None:
    body = b'{"type": "app_uninstalled"}'
    assert post(client, signed, body, headers=headers_of(signed, body)).status_code == 200
    delivery = WebhookDelivery.objects.get()
    assert (delivery.status, delivery.error) == (DeliveryStatus.IGNORED, "unknown type")
    assert bytes(delivery.body or b"") == body
    assert not Job.objects.exists()


def test_a_challenge_is_answered_at_once_and_not_kept(client: Client, signed: Credential) -> None:
    body = b'{"type": "url_verification", "challenge": "3eZbrw1aBm2r"}'
    answer = post(client, signed, body, headers=headers_of(signed, body))
    assert answer.json() == {"challenge": "3eZbrw1aBm2r"}
    assert answer["Content-Type"] == "application/json"
    assert not WebhookDelivery.objects.exists()


def test_an_unsigned_challenge_is_not_answered(client: Client, signed: Credential) -> None:
    body = b'{"type": "url_verification", "challenge": "3eZbrw1aBm2r"}'
    answer = post(client, signed, body)
    assert (answer.status_code, answer.content) == (401, b"")


def test_a_probe_is_answered_for_a_known_key_only(
    client: Client, plain: Credential, signed: Credential
) -> None:
    assert client.get(f"/webhooks/plain/{create_key(plain)}/?challenge=x").json() == {"asked": "challenge=x"}
    assert client.get("/webhooks/plain/unknown/").status_code == 404
    refused = client.get(f"/webhooks/signed/{create_key(signed)}/")
    assert (refused.status_code, refused["Allow"]) == (405, "POST")


def test_a_defect_of_the_provider_loses_nothing(client: Client, signed: Credential) -> None:
    body = b'{"type": "explode"}'
    assert post(client, signed, body, headers=headers_of(signed, body)).status_code == 200
    delivery = WebhookDelivery.objects.get()
    assert delivery.status == DeliveryStatus.FAILED
    assert delivery.error == "could not be read: RuntimeError"
    assert bytes(delivery.body or b"") == body


def test_a_gzipped_body_is_kept_as_it_came(client: Client, plain: Credential) -> None:
    body = gzip.compress(b'{"data": {}}')
    assert post(client, plain, body, headers={"Content-Encoding": "gzip"}).status_code == 200
    assert bytes(WebhookDelivery.objects.get().body or b"") == body


@pytest.mark.parametrize(
    ("body", "encoding"),
    [
        (b" ", ""),
        (b"[1]", ""),
        (b'{"a": NaN}', ""),
        (b'{"a": 1', ""),
        (b'{"a": "\xff"}', ""),
        (b"[" * 100_000, ""),
        (b"not gzip", "gzip"),
        (gzip.compress(b"{}")[:-4], "gzip"),
        (gzip.compress(b" " * 3_000_000), "gzip"),
        (b"{}", "br"),
    ],
    ids=[
        "empty",
        "list",
        "nan",
        "cut",
        "not-utf8",
        "deep",
        "not-gzip",
        "cut-gzip",
        "bomb",
        "unknown-encoding",
    ],
)
def test_what_makes_no_sense_is_a_400(client: Client, plain: Credential, body: bytes, encoding: str) -> None:
    answer = post(client, plain, body, headers={"Content-Encoding": encoding} if encoding else {})
    assert answer.status_code == 400
    assert answer.json()["error"].startswith("Not understood: ")
    refused = WebhookDelivery.objects.get()
    assert (refused.status, refused.error, refused.body) == (DeliveryStatus.REJECTED, "malformed", None)


def test_other_content_types_are_a_415(client: Client, plain: Credential) -> None:
    answer = post(client, plain, b"a,b", content_type="text/csv")
    assert answer.status_code == 415
    assert answer.json() == {"error": "The Content-Type should be application/json."}
    assert post(client, plain, b"{}", content_type="Application/JSON; charset=utf-8").status_code == 200


def test_a_body_beyond_the_limit_is_a_413(client: Client, plain: Credential) -> None:
    answer = post(client, plain, b" " * 2_000_001)
    assert answer.status_code == 413
    assert answer.json() == {"error": "The body may have 2,000,000 bytes."}
    assert WebhookDelivery.objects.get().body_size == 2_000_001


def test_headers_beyond_the_limit_are_a_431(client: Client, plain: Credential) -> None:
    assert post(client, plain, b"{}", headers={"X-Long": "x" * 20_000}).status_code == 431


@pytest.mark.parametrize("key", ["unknown", "x" * 5_000, "%00", "é", "..", "%ff"])
def test_an_unknown_key_is_a_404(client: Client, db: None, key: str) -> None:
    answer = client.post(f"/webhooks/plain/{key}/", b"{}", content_type="application/json")
    assert answer.status_code == 404


def test_an_unknown_provider_is_a_404_and_not_counted(client: Client, db: None) -> None:
    assert client.post("/webhooks/nobody/key/").status_code == 404
    assert not WebhookDelivery.objects.exists()


def test_refused_deliveries_are_one_row_a_minute_and_reason_without_their_body(
    client: Client, signed: Credential, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = timezone.now().replace(second=0)
    key = create_key(signed)
    monkeypatch.setattr("django.utils.timezone.now", lambda: now)
    for _ in range(5):
        assert post(client, signed, b'{"secret": "of a stranger"}', key).status_code == 401
    assert client.post("/webhooks/signed/wrong/", b"x", content_type="text/plain").status_code == 404
    monkeypatch.setattr("django.utils.timezone.now", lambda: now + timedelta(minutes=1))
    post(client, signed, b"{}", key)
    rows = WebhookDelivery.objects.order_by("received_at", "-rejected_count")
    found = [(row.error, row.rejected_count, row.http_status_returned, row.body) for row in rows]
    assert found == [
        ("missing_signature", 5, 401, None),
        ("unknown_key", 1, 404, None),
        ("missing_signature", 1, 401, None),
    ]
    assert all(row.credential is None and row.account is None for row in rows)
    assert rows[0].body_size == len(b'{"secret": "of a stranger"}')


@pytest.mark.parametrize("status", [CredentialStatus.DISABLED, CredentialStatus.REVOKED])
def test_the_address_of_a_switched_off_credential_is_unknown(
    client: Client, plain: Credential, status: CredentialStatus
) -> None:
    Credential.objects.filter(pk=plain.pk).update(status=status)
    assert post(client, plain, b"{}").status_code == 404


def test_a_credential_that_needs_attention_still_listens(client: Client, plain: Credential) -> None:
    plain.mark_refused("reauth")
    assert post(client, plain, b"{}").status_code == 200


def test_a_retired_key_is_unknown(client: Client, plain: Credential) -> None:
    old = create_key(plain)
    retire_keys(plain, timezone.now() + timedelta(hours=1))
    assert post(client, plain, b"{}", old).status_code == 200
    retire_keys(plain, timezone.now())
    assert post(client, plain, b"{}", old).status_code == 404


def test_a_key_is_of_its_provider_only(client: Client, plain: Credential) -> None:
    answer = client.post(f"/webhooks/headed/{create_key(plain)}/", b"{}", content_type="application/json")
    assert answer.status_code == 404


def test_the_key_is_not_logged(client: Client, plain: Credential, caplog: Any) -> None:
    key = create_key(plain)
    post(client, plain, b"not json", key)
    client.post(f"/webhooks/plain/{key[:-1]}x/", b"{}", content_type="application/json")
    assert "refused: malformed" in caplog.text
    assert key[:-1] not in caplog.text


def test_the_number_of_queries_is_the_same_for_any_number_of_credentials(
    client: Client, plain: Credential, django_assert_num_queries: Any
) -> None:
    key = create_key(plain)
    for _ in range(20):
        create_key(credential_of("plain"))
    # The key, then both rows: one statement on PostgreSQL, past Django's counter.
    with django_assert_num_queries(1 if connection.vendor == "postgresql" else 5):
        post(client, plain, b"{}", key)
