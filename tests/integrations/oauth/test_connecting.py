"""Connecting through a vendor's consent page, from the button to the stored token."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import Account, User
from integrations import registry
from integrations.http.errors import Unauthorized
from integrations.models import Credential, CredentialStatus, OAuthApplication, OAuthAuthorization
from integrations.oauth import Identity, OAuth
from integrations.registry import Provider
from integrations.sandbox import SandboxServer
from integrations.tokens import TokenEndpoint, TokenReply
from tests.factories import AccountFactory, CredentialFactory, UserFactory
from tests.integrations.tokens.vendor import CLIENT_ID, CLIENT_SECRET, TokenVendor

pytestmark = pytest.mark.django_db

START, BACK = reverse("oauth:start", args=["vendor"]), reverse("oauth:callback", args=["vendor"])


class Vendor:
    """A vendor with a consent page, as a provider of this installation."""

    def __init__(self, server: SandboxServer) -> None:
        sandbox = server.mounts["vendor"].sandbox
        assert isinstance(sandbox, TokenVendor)
        self.sandbox = sandbox
        self.url = server.url_for("vendor")
        self.connected: list[Credential] = []
        self.forgotten: list[TokenReply] = []
        self.broken = False
        self.oauth = OAuth(
            authorize_url=lambda: f"{self.url}/authorize",
            endpoint=lambda: TokenEndpoint("vendor", f"{self.url}/token"),
            identify=self.identify,
            connected=self.connected.append,
            forget=self.forgotten.append,
            scopes=("read", "offline"),
            pkce=True,
        )

    def identify(self, reply: TokenReply) -> Identity:
        if self.broken:
            raise Unauthorized("the token does not work", provider="vendor")
        return Identity(reply.extra["user_id"], "Ada at Vendor", {"plan": "pro"})


@pytest.fixture
def vendor(monkeypatch: pytest.MonkeyPatch) -> Iterator[Vendor]:
    with SandboxServer([TokenVendor()]) as server:
        vendor = Vendor(server)
        provider = Provider("vendor", "Vendor", oauth=vendor.oauth)
        monkeypatch.setitem(registry._providers, "vendor", provider)
        yield vendor


@pytest.fixture
def application() -> OAuthApplication:
    return OAuthApplication.objects.create(
        account=Account.objects.platform(),
        provider="vendor",
        client_id=CLIENT_ID,
        secrets={"client_secret": CLIENT_SECRET},
    )


@pytest.fixture
def account() -> Account:
    row: Account = AccountFactory()
    return row


@pytest.fixture
def user(account: Account) -> User:
    row: User = UserFactory(groups=["sudo_admin"])
    return row


@pytest.fixture
def browser(user: User, application: OAuthApplication, vendor: Vendor) -> Client:
    client = Client()
    client.force_login(user)
    return client


def leave(browser: Client, **form: Any) -> dict[str, str]:
    """Press Connect; what the vendor's page is asked for."""
    answer = browser.post(START, form)
    assert answer.status_code == 302, answer.content
    return dict(parse_qsl(urlsplit(answer["Location"]).query))


def come_back(browser: Client, vendor: Vendor, query: dict[str, str], **changes: str) -> Any:
    answer = {"code": vendor.sandbox.consent(query), "state": query["state"], **changes}
    return browser.get(BACK, {name: value for name, value in answer.items() if value})


def test_an_account_is_connected(browser: Client, vendor: Vendor, account: Account, user: User) -> None:
    query = leave(browser, account=account.pk)
    assert query["response_type"] == "code"
    assert query["client_id"] == CLIENT_ID
    assert query["scope"] == "read offline"
    assert query["redirect_uri"] == f"http://testserver{BACK}"
    assert query["code_challenge_method"] == "S256"

    answer = come_back(browser, vendor, query)

    credential = Credential.objects.get()
    assert answer["Location"] == reverse("admin:integrations_credential_change", args=[credential.pk])
    assert (credential.account, credential.user, credential.provider) == (account, user, "vendor")
    assert (credential.kind, credential.external_id, credential.label) == (
        "oauth2",
        "user-1",
        "Ada at Vendor",
    )
    assert credential.status == CredentialStatus.ACTIVE
    assert credential.secret("access_token") in vendor.sandbox.access_tokens
    assert credential.secret("refresh_token") == vendor.sandbox.refresh_token
    assert credential.auth_metadata["plan"] == "pro"
    assert vendor.connected == [credential]
    assert OAuthAuthorization.objects.get().outcome == "connected"
    assert LogEntry.objects.get().get_change_message() == "Connected through Vendor."


def test_nothing_secret_is_kept_in_the_open(browser: Client, vendor: Vendor, account: Account) -> None:
    query = leave(browser, account=account.pk)
    row = OAuthAuthorization.objects.values().get()
    assert query["state"] not in str(row)
    assert "code_verifier" not in str(row)


def test_an_answer_is_taken_once(browser: Client, vendor: Vendor, account: Account) -> None:
    query = leave(browser, account=account.pk)
    come_back(browser, vendor, query)
    answer = come_back(browser, vendor, query)
    assert answer.status_code == 400
    assert b"has been used already" in answer.content
    assert len(vendor.connected) == 1


def test_an_answer_belongs_to_the_session_that_asked(
    browser: Client, vendor: Vendor, account: Account, user: User
) -> None:
    query = leave(browser, account=account.pk)
    for somebody in (user, UserFactory(groups=["sudo_admin"])):
        other = Client()
        other.force_login(somebody)
        answer = come_back(other, vendor, query)
        assert answer.status_code == 403
        assert b"another browser session" in answer.content
    assert not Credential.objects.exists()
    assert come_back(browser, vendor, query).status_code == 302


def test_an_answer_is_taken_for_ten_minutes(browser: Client, vendor: Vendor, account: Account) -> None:
    query = leave(browser, account=account.pk)
    visit = OAuthAuthorization.objects.get()
    assert timedelta(minutes=9) < visit.expires_at - timezone.now() <= timedelta(minutes=10)
    OAuthAuthorization.objects.update(expires_at=timezone.now())
    answer = come_back(browser, vendor, query)
    assert answer.status_code == 400
    assert b"has expired" in answer.content
    assert not Credential.objects.exists()


@pytest.mark.parametrize(
    ("changes", "code", "said"),
    [
        ({"state": "made-up"}, 400, "belongs to no authorization"),
        ({"state": ""}, 400, "belongs to no authorization"),
        ({"code": ""}, 400, "neither a code nor an error"),
        ({"code": "made-up"}, 400, "gave no token that works"),
        ({"error": "access_denied"}, 400, "Access was declined"),
        ({"error": "server_error", "error_description": "<b>later</b>"}, 400, "&lt;b&gt;later&lt;/b&gt;"),
    ],
)
def test_what_went_wrong_is_said_and_nothing_stored(
    browser: Client, vendor: Vendor, account: Account, changes: dict[str, str], code: int, said: str
) -> None:
    answer = come_back(browser, vendor, leave(browser, account=account.pk), **changes)
    assert answer.status_code == code
    assert said in answer.content.decode()
    assert "What to do" in answer.content.decode()
    assert not Credential.objects.exists()


def test_a_token_is_tried_before_it_is_stored(browser: Client, vendor: Vendor, account: Account) -> None:
    vendor.broken = True
    answer = come_back(browser, vendor, leave(browser, account=account.pk))
    assert b"the token does not work" in answer.content
    assert not Credential.objects.exists()


def _connected(browser: Client, vendor: Vendor, account: Account) -> Credential:
    come_back(browser, vendor, leave(browser, account=account.pk))
    credential = Credential.objects.get()
    credential.mark_refused("reauth")
    return credential


def test_reconnecting_mends_the_same_credential(browser: Client, vendor: Vendor, account: Account) -> None:
    credential = _connected(browser, vendor, account)
    before = credential.token_version
    come_back(browser, vendor, leave(browser, credential=credential.pk))
    credential = Credential.objects.get()
    assert (credential.status, credential.status_reason) == (CredentialStatus.ACTIVE, "")
    assert credential.token_version > before


def test_connecting_the_same_account_of_the_vendor_again_is_reconnecting(
    browser: Client, vendor: Vendor, account: Account
) -> None:
    _connected(browser, vendor, account)
    come_back(browser, vendor, leave(browser, account=account.pk))
    assert Credential.objects.get().status == CredentialStatus.ACTIVE


def test_reconnecting_with_another_account_of_the_vendor_is_refused(
    browser: Client, vendor: Vendor, account: Account
) -> None:
    credential = _connected(browser, vendor, account)
    stored = credential.secret("access_token")
    vendor.sandbox.owner = "user-2"
    answer = come_back(browser, vendor, leave(browser, credential=credential.pk))
    assert answer.status_code == 409
    assert b"another Vendor account" in answer.content
    credential = Credential.objects.get()
    assert credential.secret("access_token") == stored
    assert credential.status == CredentialStatus.NEEDS_ATTENTION
    assert len(vendor.forgotten) == 1


def test_an_account_may_connect_through_an_application_of_its_own(
    browser: Client, vendor: Vendor, account: Account
) -> None:
    OAuthApplication.objects.create(account=account, provider="vendor", client_id="own-client")
    assert leave(browser, account=account.pk)["client_id"] == "own-client"


def test_without_an_application_it_says_what_to_enter(browser: Client, account: Account) -> None:
    OAuthApplication.objects.update(enabled=False)
    answer = browser.post(START, {"account": account.pk})
    assert answer.status_code == 409
    assert b"add it under OAuth applications" in answer.content


@pytest.mark.parametrize("groups", [["admin"], ["viewer"], ["planner"], []])
def test_only_those_who_govern_credentials_connect(
    vendor: Vendor, application: OAuthApplication, account: Account, groups: list[str]
) -> None:
    client = Client()
    client.force_login(UserFactory(groups=groups, accounts=[account]))
    assert client.post(START, {"account": account.pk}).status_code == 403
    assert client.get(BACK, {"state": "x", "code": "y"}).status_code == 403
    assert not OAuthAuthorization.objects.exists()


def test_accounts_and_credentials_of_others_do_not_exist(
    vendor: Vendor, application: OAuthApplication, account: Account
) -> None:
    permissions = ["integrations.add_credential", "integrations.change_credential"]
    client = Client()
    client.force_login(UserFactory(permissions=permissions, accounts=[account]))
    other: Credential = CredentialFactory(provider="vendor")
    assert client.post(START, {"account": other.account.pk}).status_code == 404
    assert client.post(START, {"credential": other.pk}).status_code == 404
    assert client.post(START, {"account": account.pk}).status_code == 302


def test_strangers_are_asked_to_sign_in_and_links_start_nothing(
    browser: Client, vendor: Vendor, account: Account
) -> None:
    assert Client().post(START, {"account": account.pk})["Location"].startswith("/admin/login")
    assert browser.get(START, {"account": account.pk}).status_code == 405
    assert browser.post(reverse("oauth:start", args=["workstudio"])).status_code == 404
    assert browser.post(reverse("oauth:start", args=["nobody"])).status_code == 404


def test_a_form_of_another_site_starts_nothing(browser: Client, user: User, account: Account) -> None:
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(user)
    assert strict.post(START, {"account": account.pk}).status_code == 403
