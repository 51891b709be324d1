"""The operators' pages of deliveries."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client
from django.urls import reverse

from accounts.roles import ADMIN, PLANNER, SUDO_ADMIN, VIEWER
from integrations.models import Credential, DeliveryStatus, WebhookDelivery, WebhookKey
from integrations.webhooks.keys import create_key, current_key
from synclogs.models import Job, JobStatus
from tests.factories import UserFactory
from tests.integrations.webhooks.conftest import credential_of, post

LIST = "admin:integrations_webhookdelivery_changelist"


def signed_in(role: str, *accounts: Any) -> Client:
    """A browser of somebody with this role."""
    client = Client()
    client.force_login(UserFactory(groups=[role], accounts=accounts))
    return client


def page_of(delivery: WebhookDelivery, view: str = "change") -> str:
    """The address of a delivery's page."""
    return reverse(f"admin:integrations_webhookdelivery_{view}", args=[delivery.pk])


@pytest.fixture
def delivery(client: Client, plain: Credential) -> WebhookDelivery:
    """One that was stored."""
    body = b'{"type": "<script>alert(1)</script>", "access_token": "a-token-of-theirs", "n": 1}'
    post(client, plain, body)
    return WebhookDelivery.objects.get()


def test_the_list_shows_what_became_of_each(client: Client, delivery: WebhookDelivery) -> None:
    client.post("/webhooks/plain/stranger/", b"{}", content_type="application/json")
    html = signed_in(ADMIN, delivery.account).get(reverse(LIST)).content.decode()
    assert "Unknown key" in html
    assert delivery.event_id[:24] in html


def test_the_page_shows_the_body_without_secrets(delivery: WebhookDelivery) -> None:
    html = signed_in(VIEWER, delivery.account).get(page_of(delivery)).content.decode()
    assert "&lt;script&gt;alert(1)" in html
    assert "<script>alert(1)" not in html
    assert "a-token-of-theirs" not in html
    assert "[redacted]" in html


@pytest.mark.parametrize(
    ("body", "words"),
    [(b"\x00\xff\xfe", "�"), (b"x" * 100_000, "and 83,616 bytes more"), (b"[1, 2]", "[1, 2]")],
)
def test_any_body_can_be_shown(delivery: WebhookDelivery, body: bytes, words: str) -> None:
    WebhookDelivery.objects.filter(pk=delivery.pk).update(body=body)
    html = signed_in(SUDO_ADMIN).get(page_of(delivery)).content.decode()
    assert words in html


def test_a_delivery_is_replayed_from_its_page(delivery: WebhookDelivery) -> None:
    Job.objects.update(status=JobStatus.SUCCEEDED)
    answer = signed_in(ADMIN, delivery.account).post(page_of(delivery, "replay"))
    job = Job.objects.get(status=JobStatus.QUEUED)
    assert answer["Location"] == reverse("admin:synclogs_job_change", args=[job.pk])
    assert job.args["delivery"] == str(delivery.pk)


@pytest.mark.parametrize("role", [VIEWER, PLANNER])
def test_who_may_only_look_replays_nothing(delivery: WebhookDelivery, role: str) -> None:
    client = signed_in(role, delivery.account)
    assert client.post(page_of(delivery, "replay")).status_code == 403
    assert client.get(page_of(delivery)).status_code == (200 if role == VIEWER else 403)
    assert Job.objects.count() == 1


def test_other_accounts_deliveries_are_not_found(client: Client, delivery: WebhookDelivery) -> None:
    stranger = signed_in(ADMIN, credential_of("plain").account)
    assert stranger.get(page_of(delivery)).status_code == 302
    assert stranger.post(page_of(delivery, "replay")).status_code == 302
    assert delivery.event_id[:24] not in stranger.get(reverse(LIST)).content.decode()
    assert Job.objects.count() == 1


def test_a_refused_delivery_cannot_be_replayed(client: Client, db: None) -> None:
    client.post("/webhooks/plain/stranger/", b"{}", content_type="application/json")
    refused = WebhookDelivery.objects.get(status=DeliveryStatus.REJECTED)
    browser = signed_in(SUDO_ADMIN)
    assert "Nothing of a refused delivery is kept." in browser.get(page_of(refused)).content.decode()
    assert browser.post(page_of(refused, "replay"), follow=True).status_code == 200
    assert not Job.objects.exists()


def test_the_list_does_not_load_bodies_or_ask_for_each_row(
    client: Client, plain: Credential, django_assert_max_num_queries: Any
) -> None:
    key = create_key(plain)
    for number in range(12):
        post(client, plain, b'{"n": %d}' % number, key)
    browser = signed_in(SUDO_ADMIN)
    with django_assert_max_num_queries(14) as captured:
        browser.get(reverse(LIST))
    assert not any('"body"' in query["sql"] for query in captured.captured_queries)


def address_page(credential: Credential) -> str:
    """Where its address is asked for."""
    return reverse("admin:integrations_credential_address", args=[credential.pk])


def test_who_governs_a_credential_sees_and_renews_its_address(plain: Credential) -> None:
    browser = signed_in(SUDO_ADMIN)
    first, again = (browser.post(address_page(plain)) for _ in range(2))
    key = current_key(plain)
    assert f"/webhooks/plain/{key}/" in first.content.decode()
    assert first.content.decode().count(key) == again.content.decode().count(key) == 1
    assert "no-store" in first["Cache-Control"]
    renewed = browser.post(address_page(plain), {"rotate": "1"}).content.decode()
    assert f"/webhooks/plain/{current_key(plain)}/" in renewed
    assert current_key(plain) != key
    log = LogEntry.objects.values_list("change_message", flat=True)
    assert len(log) == 3
    assert not any(key in line for line in log)


@pytest.mark.parametrize("role", [ADMIN, VIEWER, PLANNER])
def test_others_do_not_see_the_address(plain: Credential, role: str) -> None:
    browser = signed_in(role, plain.account)
    assert browser.post(address_page(plain)).status_code == 403
    assert signed_in(SUDO_ADMIN).get(address_page(plain)).status_code == 405
    assert not WebhookKey.objects.exists()


def test_a_vendor_that_sends_nothing_has_no_address(db: None) -> None:
    silent = credential_of("workstudio")
    answer = signed_in(SUDO_ADMIN).post(address_page(silent), follow=True).content.decode()
    assert "sends no webhooks" in answer
