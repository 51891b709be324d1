"""The pages of webhook deliveries in a browser."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from django.test import Client
from django.urls import reverse
from playwright.sync_api import Page, expect

from accounts.models import Account, User
from integrations.models import WebhookDelivery
from synclogs.models import Job
from tests.integrations.providers.apple_health.conftest import Phone, fixture, run_waiting

pytestmark = pytest.mark.browser


def kept(page: Page, name: str) -> None:
    """Keep a picture where E2E_SCREENSHOTS says."""
    if directory := os.environ.get("E2E_SCREENSHOTS"):
        page.screenshot(path=Path(directory) / f"{name}.png", full_page=True)


def test_a_delivery_is_found_and_replayed(signed_in: Page, operator: User) -> None:
    phone = Phone(Account.objects.platform(), operator, "metrics")
    phone.post(fixture("metrics"), automation_aggregation="Days", session_id="4F0E")
    phone.post(fixture("metrics"))
    phone.post(b'{"data": {"ecg": [{}]}}')
    run_waiting()
    for _ in range(3):
        Client().post("/webhooks/apple_health/stranger/", b"{}", content_type="application/json")
    signed_in.goto(reverse("admin:integrations_webhookdelivery_changelist"))
    expect(signed_in.get_by_text("3 times")).to_be_visible()
    kept(signed_in, "webhooks")
    processed = WebhookDelivery.objects.get(status="processed")
    signed_in.goto(reverse("admin:integrations_webhookdelivery_change", args=[processed.pk]))
    expect(signed_in.get_by_text("step_count").first).to_be_visible()
    kept(signed_in, "webhook")
    before = Job.objects.count()
    signed_in.get_by_role("button", name="Replay").click()
    signed_in.wait_for_url("**/synclogs/job/**")
    assert Job.objects.count() == before + 1


def test_an_address_is_shown_on_the_credentials_page(signed_in: Page, operator: User) -> None:
    phone = Phone(Account.objects.platform(), operator, "metrics")
    signed_in.goto(reverse("admin:integrations_credential_change", args=[phone.credential.pk]))
    kept(signed_in, "credential")
    signed_in.get_by_role("button", name="Webhook address").click()
    expect(signed_in.get_by_text(f"/webhooks/apple_health/{phone.key}/")).to_be_visible()
    kept(signed_in, "address")
    signed_in.get_by_role("button", name="Make a new address").click()
    expect(signed_in.get_by_text("go on working for 7 days")).to_be_visible()
