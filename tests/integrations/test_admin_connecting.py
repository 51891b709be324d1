"""Connections in the admin: switches, reconnecting, the breaker, budgets, applications."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from accounts.models import Account
from integrations.http.limits import Budget, Limits, Window
from integrations.models import Credential, CredentialStatus, Integration, OAuthApplication, RateBudget
from tests.factories import AccountFactory, CredentialFactory, IntegrationFactory, UserFactory

pytestmark = pytest.mark.django_db

CONNECTIONS = reverse("admin:integrations_integration_changelist")
CONNECT = reverse("admin:integrations_integration_connect")
BUDGETS = reverse("admin:integrations_ratebudget_changelist")
APPLICATIONS = reverse("admin:integrations_oauthapplication_changelist")
ADD_APPLICATION = reverse("admin:integrations_oauthapplication_add")


def as_role(role: str, *accounts: Account) -> Client:
    client = Client()
    client.force_login(UserFactory(groups=[role], accounts=list(accounts)))
    return client


def text(answer: Any) -> str:
    assert answer.status_code == 200, answer
    return str(answer.content.decode())


def page(connection: Integration, view: str = "change") -> str:
    return reverse(f"admin:integrations_integration_{view}", args=[connection.pk])


@pytest.fixture
def connection() -> Integration:
    """Monzo of a person."""
    credential: Credential = CredentialFactory(provider="monzo", kind="oauth2")
    row: Integration = IntegrationFactory(
        account=credential.account, provider="monzo", instance_type="transactions", credential=credential
    )
    return row


def test_a_refused_credential_asks_to_be_reconnected(connection: Integration) -> None:
    assert connection.credential is not None
    connection.credential.mark_refused("reauth")
    shown = text(as_role("sudo_admin").get(page(connection)))
    assert "needs attention" in shown
    assert "Reconnect" in shown
    assert reverse("oauth:start", args=["monzo"]) in shown
    assert "Reconnect</button>" not in text(as_role("admin", connection.account).get(page(connection)))
    credential = reverse("admin:integrations_credential_change", args=[connection.credential.pk])
    assert reverse("oauth:start", args=["monzo"]) in text(as_role("sudo_admin").get(credential))


def test_an_approval_that_is_waited_for_is_said(connection: Integration) -> None:
    Credential.objects.update(status=CredentialStatus.PENDING_APPROVAL)
    assert "waiting for approval" in text(as_role("viewer", connection.account).get(CONNECTIONS))


def test_an_open_breaker_and_a_stopped_budget_are_shown(connection: Integration) -> None:
    Integration.objects.update(
        breaker_failures=5, breaker_open_until=timezone.now() + timedelta(minutes=30), error_count=5
    )
    budget = Budget(Limits("monzo", "credential 7", (Window(10, 60),)))
    budget.observe(429, {"Retry-After": "900"})
    shown = text(as_role("viewer", connection.account).get(page(connection)))
    assert "breaker open" in shown
    assert "closes for a try" in shown
    assert "No calls for credential 7 until" in shown


def test_budgets_say_how_full_they_are_and_who_stopped_them(
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    account = AccountFactory()
    Budget(Limits("monzo", "credential 7", (Window(10, 3600),), account.pk)).acquire(cost=4)
    Budget(Limits("zuora", "address", (Window(100, 60),))).observe(429, {"Retry-After": "900"})
    Budget(Limits("monzo", "credential 8", (Window(10, 60),), AccountFactory().pk)).acquire()
    shown = text(as_role("admin", account).get(BUDGETS))
    assert "4 of 10" in shown
    assert "10 in an hour" in shown
    assert "the vendor answered 429" in shown
    assert "credential 8" not in shown
    assert as_role("planner").get(BUDGETS).status_code == 403
    detail = reverse("admin:integrations_ratebudget_change", args=[RateBudget.objects.earliest("pk").pk])
    assert as_role("admin", account).post(detail, {"limit": 1}).status_code == 403


def test_connecting_offers_the_vendors_with_a_consent_page() -> None:
    client = as_role("sudo_admin")
    assert CONNECT in text(client.get(CONNECTIONS))
    shown = text(client.get(CONNECT))
    assert "Monzo" in shown
    assert reverse("oauth:start", args=["monzo"]) in shown
    assert as_role("admin").get(CONNECT).status_code == 403
    assert CONNECT not in text(as_role("admin").get(CONNECTIONS))


def test_an_applications_secret_goes_in_and_never_comes_out() -> None:
    client = as_role("sudo_admin")
    assert "/connect/" in text(client.get(ADD_APPLICATION))
    form = {
        "provider": "monzo",
        "account": Account.objects.platform().pk,
        "client_id": "client-7",
        "client_secret": "planted-secret",
        "enabled": "on",
    }
    client.post(ADD_APPLICATION, form)
    application = OAuthApplication.objects.get()
    assert application.secrets["client_secret"] == "planted-secret"

    change = reverse("admin:integrations_oauthapplication_change", args=[application.pk])
    client.post(change, {"client_id": "client-8", "client_secret": "", "name": "Ours"})
    application.refresh_from_db()
    assert (application.client_id, application.enabled) == ("client-8", False)
    assert application.secrets["client_secret"] == "planted-secret"

    history = reverse("admin:integrations_oauthapplication_history", args=[application.pk])
    pages = [text(client.get(each)) for each in (APPLICATIONS, change, history)]
    assert all("planted-secret" not in shown for shown in pages)
    assert "/connect/monzo/callback/" in pages[1]


@pytest.mark.parametrize("role", ["admin", "viewer", "planner"])
def test_only_those_who_govern_see_applications(role: str) -> None:
    assert as_role(role).get(APPLICATIONS).status_code == 403
