"""Connecting through Monzo's own pages, as the simulator shows them."""

from __future__ import annotations

from html import unescape
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
import requests
from django.test import Client
from django.urls import reverse

from accounts.models import Account, User
from integrations.models import Credential, CredentialStatus, Event, Integration, OAuthApplication
from integrations.providers.monzo.sandbox.generator import OTHER_OWNER, OWNER
from synclogs.models import Job
from tests.factories import AccountFactory
from tests.integrations.providers.monzo.conftest import Monzo, work

pytestmark = pytest.mark.django_db

START, BACK = reverse("oauth:start", args=["monzo"]), reverse("oauth:callback", args=["monzo"])


@pytest.fixture
def account(db: None) -> Account:
    row: Account = AccountFactory()
    return row


@pytest.fixture
def browser(monzo: Monzo, owner: User, application: OAuthApplication) -> Client:
    monzo.seed(months=1, per_month=3)
    client = Client()
    client.force_login(owner)
    return client


def consent(browser: Client, *, user: str = OWNER, decision: str = "allow", **form: Any) -> Any:
    """Press Connect, decide on Monzo's page, and come back."""
    address = browser.post(START, form)["Location"]
    page = requests.get(address, timeout=5)
    assert page.status_code == 200, page.text
    assert "would like to read your accounts" in unescape(page.text)
    fields = {**dict(parse_qsl(urlsplit(address).query)), "user": user, "decision": decision}
    decided = requests.post(
        f"{address.partition('?')[0]}decide", data=fields, allow_redirects=False, timeout=5
    )
    return browser.get(BACK, dict(parse_qsl(urlsplit(decided.headers["Location"]).query)))


def test_consent_approval_history(monzo: Monzo, browser: Client, account: Account, owner: User) -> None:
    answer = consent(browser, account=account.pk)
    credential = Credential.objects.get()
    assert answer["Location"] == reverse("admin:integrations_credential_change", args=[credential.pk])
    assert (credential.status, credential.external_id) == (CredentialStatus.PENDING_APPROVAL, OWNER)
    assert credential.user == owner
    assert set(Integration.objects.values_list("instance_type", flat=True)) == {
        "accounts",
        "transactions",
        "pots",
        "balances",
    }
    assert Job.objects.get().name == "monzo.historical_data"
    monzo.sandbox.tokens.approve()
    work()
    credential.refresh_from_db()
    assert credential.status == CredentialStatus.ACTIVE
    assert Event.objects.filter(integration__instance_type="transactions").exists()


def test_a_refused_consent_connects_nothing(browser: Client, account: Account) -> None:
    answer = consent(browser, account=account.pk, decision="deny")
    assert answer.status_code == 400
    assert b"Access was declined at Monzo" in answer.content
    assert not Credential.objects.exists()


def test_reconnecting_as_somebody_else_changes_nothing_and_ends_the_new_token(
    monzo: Monzo, browser: Client, account: Account
) -> None:
    consent(browser, account=account.pk)
    credential = Credential.objects.get()
    answer = consent(browser, credential=credential.pk, user=OTHER_OWNER)
    assert answer.status_code == 409
    assert [grant.user_id for grant in monzo.grants()] == [OWNER]


def test_reconnecting_opens_the_history_again(monzo: Monzo, browser: Client, account: Account) -> None:
    monzo.sandbox.tokens.approves = True
    consent(browser, account=account.pk)
    work()
    credential = Credential.objects.get()
    credential.mark_refused("reauth")
    consent(browser, credential=credential.pk)
    assert Job.objects.filter(name="monzo.historical_data", status="queued").count() == 1
    work()
    credential.refresh_from_db()
    assert credential.status == CredentialStatus.ACTIVE
    assert Integration.objects.count() == 4


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"client_id": "stranger"}, "not known"),
        ({"response_type": "token"}, "response_type"),
        ({"redirect_uri": "x"}, "redirect_uri"),
    ],
)
def test_monzos_page_says_what_is_wrong_with_a_request(
    monzo: Monzo, changes: dict[str, str], said: str
) -> None:
    asked = {
        "client_id": "oauth2client_sandbox",
        "redirect_uri": "http://localhost/",
        "response_type": "code",
    }
    page = requests.get(f"{monzo.url}/auth/", params={**asked, **changes}, timeout=5)
    assert page.status_code == 400
    assert said in page.text
