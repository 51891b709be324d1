"""Signatures and secrets: the vendors' own vectors, tolerance, rotation, and hostile headers."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from django.db import connection
from django.test import Client

from integrations.models import Credential, DeliveryStatus, WebhookDelivery
from integrations.webhooks.keys import create_key
from integrations.webhooks.messages import Head, Incoming
from integrations.webhooks.verifiers import TimestampedHmac, Unverified
from tests.integrations.webhooks.conftest import credential_of, post

SECRET = "8b2f6d0c4e1a97533c5d7e9f01a2b3c4"
SIGNED_AT = 1772700065
PLAIN = '{"type":"event_callback","event_id":"Ev06K2M4PQ1A","event":{"type":"message","text":"café ☕"}}'
ESCAPED = PLAIN.replace("é", "\\u00e9").replace("☕", "\\u2615")
SIGNATURES = {
    PLAIN: "v0=864be78668e7d3712a031d7b40b24e97f096b9603514f46688d68e95fa34a4b1",
    ESCAPED: "v0=24e043a5703306e0e12d3c33c9b4038dfc313e92f3a04608cac67f4ad72a64b4",
}


def incoming(body: str, at: float, **headers: str) -> Incoming:
    """A delivery that came at this time."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    head = Head("signed", "key", "POST", named, datetime.fromtimestamp(at, UTC))
    return Incoming(head, body.encode(), 1 << 20)


def signed_headers(body: str, timestamp: str = str(SIGNED_AT)) -> dict[str, str]:
    return {"x_slack_request_timestamp": timestamp, "x_slack_signature": SIGNATURES[body]}


@pytest.mark.parametrize("body", [PLAIN, ESCAPED], ids=["utf8", "escaped"])
def test_the_signature_covers_the_raw_bytes(body: str) -> None:
    TimestampedHmac().verify(incoming(body, SIGNED_AT, **signed_headers(body)), {"signing_secret": SECRET})
    other = ESCAPED if body == PLAIN else PLAIN
    with pytest.raises(Unverified, match="wrong_signature"):
        TimestampedHmac().verify(
            incoming(other, SIGNED_AT, **signed_headers(body)), {"signing_secret": SECRET}
        )


@pytest.mark.parametrize("late", [300, -300, 0])
def test_exactly_five_minutes_pass(late: int) -> None:
    TimestampedHmac().verify(
        incoming(PLAIN, SIGNED_AT + late, **signed_headers(PLAIN)), {"signing_secret": SECRET}
    )


@pytest.mark.parametrize("late", [301, -301, 86_400])
def test_more_than_five_minutes_do_not(late: int) -> None:
    with pytest.raises(Unverified, match="stale_timestamp"):
        TimestampedHmac().verify(
            incoming(PLAIN, SIGNED_AT + late, **signed_headers(PLAIN)), {"signing_secret": SECRET}
        )


@pytest.mark.parametrize(
    "timestamp",
    ["", "1e9", "-1", "+1772700065", " 1772700065", "1_772_700_065", "²", "9" * 40, "1772700065.5"],
)
def test_a_timestamp_that_is_no_whole_number_is_refused(timestamp: str) -> None:
    with pytest.raises(Unverified, match=r"timestamp|missing_signature"):
        TimestampedHmac().verify(
            incoming(PLAIN, SIGNED_AT, **signed_headers(PLAIN, timestamp)), {"signing_secret": SECRET}
        )


@pytest.mark.parametrize(
    "secrets",
    [
        {"signing_secret": SECRET},
        {"signing_secret": "another-secret", "previous_signing_secret": SECRET},
        {"signing_secret": SECRET, "previous_signing_secret": "another-secret"},
    ],
    ids=["only", "previous", "current"],
)
def test_two_secrets_are_valid_during_a_rotation(secrets: dict[str, str]) -> None:
    TimestampedHmac().verify(incoming(PLAIN, SIGNED_AT, **signed_headers(PLAIN)), secrets)


@pytest.mark.parametrize("secrets", [{}, {"signing_secret": ""}, {"signing_secret": "another"}])
def test_without_the_right_secret_nothing_is_genuine(secrets: dict[str, str]) -> None:
    with pytest.raises(Unverified, match="wrong_signature"):
        TimestampedHmac().verify(incoming(PLAIN, SIGNED_AT, **signed_headers(PLAIN)), secrets)


HOSTILE = [
    "v0=",
    "v0=é",
    "v1=864be786",
    "864be78668e7d3712a031d7b40b24e97f096b9603514f46688d68e95fa34a4b1",
    SIGNATURES[PLAIN].upper(),
    "=" * 4_000,
    "\u00ff" * 64,
]


@pytest.mark.parametrize("signature", HOSTILE)
def test_a_hostile_signature_is_refused_without_a_5xx(
    client: Client, signed: Credential, signature: str
) -> None:
    now = str(int(datetime.now(UTC).timestamp()))
    headers = {"X-Slack-Signature": signature, "X-Slack-Request-Timestamp": now}
    answer = post(client, signed, PLAIN.encode(), headers=headers)
    assert (answer.status_code, answer.content) == (401, b"")
    assert WebhookDelivery.objects.get().status == DeliveryStatus.REJECTED


@pytest.mark.parametrize("header", [None, "", "x", "=", "v=no"])
def test_a_vendors_verifier_may_raise(client: Client, db: None, header: str | None) -> None:
    headers = {} if header is None else {"X-Sdk-Signature": header}
    assert post(client, credential_of("sdk"), b"{}", headers=headers).status_code == 401


def test_a_vendors_verifier_may_accept(client: Client, db: None) -> None:
    assert post(client, credential_of("sdk"), b"{}", headers={"X-Sdk-Signature": "v=ok"}).status_code == 200


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"X-API-Key": "first-secret"}, 200),
        ({"X-API-Key": "second-secret"}, 200),
        ({"Authorization": "Bearer first-secret"}, 200),
        ({"Authorization": "first-secret", "X-API-Key": "wrong"}, 200),
        ({"X-API-Key": "wrong"}, 401),
        ({"X-API-Key": "é"}, 401),
        ({}, 401),
    ],
)
def test_a_header_secret_is_asked_for(client: Client, db: None, headers: Any, status: int) -> None:
    credential = credential_of("headed", api_key="first-secret", previous_api_key="second-secret")
    assert post(client, credential, b"{}", headers=headers).status_code == status


def test_no_header_is_asked_for_where_none_was_set_up(client: Client, db: None) -> None:
    assert post(client, credential_of("headed"), b"{}").status_code == 200


def test_unreadable_secrets_are_our_fault_and_the_vendor_tries_again(
    client: Client, signed: Credential
) -> None:
    key = create_key(signed)
    with connection.cursor() as cursor:
        cursor.execute("UPDATE credentials SET secrets = 'gAAAAA' WHERE id = %s", [signed.pk])
    now = str(int(datetime.now(UTC).timestamp()))
    headers = {"X-Slack-Signature": "v0=x", "X-Slack-Request-Timestamp": now}
    answer = post(client, signed, PLAIN.encode(), key, headers=headers)
    assert (answer.status_code, answer["Retry-After"]) == (503, "5")
