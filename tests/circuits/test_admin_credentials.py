"""Credentials in the admin: entered, tried, switched off and on, and shown nowhere."""

from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries, Settings

from accounts.models import Account
from circuits.workstudio.sandbox import PASSWORD, SERVICE_USERNAME
from integrations.models import Credential, CredentialStatus
from tests.circuits.conftest import WorkStudio
from tests.factories import AccountFactory, CredentialFactory, UserFactory

pytestmark = pytest.mark.django_db

LIST = "admin:integrations_credential_changelist"
ADD = "admin:integrations_credential_add"
UNTESTED = {"untested": "on"}


def _url(credential: Credential, view: str = "change") -> str:
    return reverse(f"admin:integrations_credential_{view}", args=[credential.pk])


def _login(**secrets: str) -> dict[str, str]:
    return {"username": SERVICE_USERNAME, "password": PASSWORD, **secrets}


def test_secrets_are_in_no_page_and_in_no_trace(admin_client: Client) -> None:
    credential = CredentialFactory()
    admin_client.post(_url(credential), {"label": "New", "new_secret_password": "planted-other", **UNTESTED})

    pages = [reverse(LIST), _url(credential), _url(credential, "history"), reverse("admin:index")]
    texts = [admin_client.get(page).content.decode() for page in pages]
    texts += [entry.get_change_message() + entry.object_repr for entry in LogEntry.objects.all()]

    assert all("planted" not in text for text in texts)
    assert LogEntry.objects.exists()


def test_what_was_typed_does_not_come_back_with_an_error(admin_client: Client) -> None:
    answer = admin_client.post(
        reverse(ADD), {"provider": "workstudio", "new_secret_password": "planted-typed"}
    )

    assert answer.status_code == 200
    assert "planted-typed" not in answer.content.decode()
    assert not Credential.objects.exists()


def test_a_login_is_added_encrypted(admin_client: Client) -> None:
    admin_client.post(
        reverse(ADD),
        {
            "provider": "workstudio",
            "account": Account.objects.platform().pk,
            "label": "Service account",
            "new_secret_username": "TREECO\\svc",
            "new_secret_password": " spaces kept ",
            **UNTESTED,
        },
    )

    credential = Credential.objects.get()
    assert credential.secret("username") == "TREECO\\svc"
    assert credential.secret("password") == " spaces kept "
    assert (credential.kind, credential.status) == ("basic", CredentialStatus.ACTIVE)


def test_an_owner_has_one_login_a_provider_and_a_user_is_a_member(admin_client: Client) -> None:
    account, stranger = AccountFactory(), UserFactory()
    CredentialFactory(account=account)
    data = {
        "provider": "workstudio",
        "account": account.pk,
        **{f"new_secret_{k}": "x" for k in _login()},
        **UNTESTED,
    }

    taken = admin_client.post(reverse(ADD), data).content.decode()
    foreign = admin_client.post(reverse(ADD), {**data, "user": stranger.pk}).content.decode()

    assert "has a credential of this provider already" in taken
    assert "is no member of" in foreign
    assert Credential.objects.count() == 1


def test_an_empty_input_keeps_what_is_stored_and_new_secrets_mend(admin_client: Client) -> None:
    credential: Credential = CredentialFactory(
        status="needs_attention", status_reason="unauthorized", failure_count=3
    )

    admin_client.post(_url(credential), {"label": "Renamed"})
    credential = Credential.objects.get()
    assert (credential.label, credential.status) == ("Renamed", CredentialStatus.NEEDS_ATTENTION)

    admin_client.post(_url(credential), {"label": "Renamed", "new_secret_password": "fresh-one", **UNTESTED})
    credential = Credential.objects.get()
    assert credential.secret("username") == "TREECO\\planted-name"
    assert credential.secret("password") == "fresh-one"
    assert (credential.status, credential.failure_count) == (CredentialStatus.ACTIVE, 0)


def test_new_secrets_are_tried_before_they_are_saved(admin_client: Client, workstudio: WorkStudio) -> None:
    data = {"provider": "workstudio", "account": Account.objects.platform().pk, "label": "Service"}
    typed = {f"new_secret_{name}": value for name, value in _login().items()}

    refused = admin_client.post(reverse(ADD), {**data, **typed, "new_secret_password": "planted-typo"})
    assert "The test failed" in refused.content.decode()
    assert "planted-typo" not in refused.content.decode()
    assert not Credential.objects.exists()

    admin_client.post(reverse(ADD), {**data, **typed})
    assert Credential.objects.get().secret("password") == PASSWORD


def test_a_refused_replacement_leaves_what_is_stored(admin_client: Client, workstudio: WorkStudio) -> None:
    credential: Credential = CredentialFactory(secrets=_login())

    answer = admin_client.post(_url(credential), {"label": "x", "new_secret_password": "planted-typo"})

    assert "Nothing was saved" in answer.content.decode()
    credential = Credential.objects.get()
    assert (credential.secret("password"), credential.token_version) == (PASSWORD, 0)
    assert credential.status == CredentialStatus.ACTIVE


def test_without_a_key_it_says_so(admin_client: Client, settings: Settings) -> None:
    credential = CredentialFactory()
    settings.FIELD_ENCRYPTION_KEYS = []

    answer = admin_client.post(_url(credential), {"label": "x", "new_secret_password": "fresh-one"})
    tested = admin_client.post(_url(credential, "test"), follow=True)

    assert "No encryption key is set" in answer.content.decode()
    assert "FIELD_ENCRYPTION_KEYS is not set" in tested.content.decode()


@pytest.mark.parametrize(
    ("view", "before", "after"),
    [
        ("disable", "active", "disabled"),
        ("disable", "needs_attention", "disabled"),
        ("reactivate", "disabled", "active"),
        ("reactivate", "revoked", "active"),
        ("reactivate", "pending_approval", "pending_approval"),
    ],
)
def test_it_is_switched_off_and_on(admin_client: Client, view: str, before: str, after: str) -> None:
    credential: Credential = CredentialFactory(status=before)

    admin_client.post(_url(credential, view))

    credential.refresh_from_db()
    assert credential.status == after
    assert LogEntry.objects.exists() is (before != after)


def test_selected_credentials_are_disabled(admin_client: Client) -> None:
    rows = CredentialFactory.create_batch(2)

    admin_client.post(
        reverse(LIST), {"action": "disable_selected", "_selected_action": [str(row.pk) for row in rows]}
    )

    assert Credential.objects.filter(status="disabled").count() == 2


def test_a_login_that_works_is_mended_by_its_test(admin_client: Client, workstudio: WorkStudio) -> None:
    credential = CredentialFactory(secrets=_login(), status="needs_attention", failure_count=2)

    text = admin_client.post(_url(credential, "test"), follow=True).content.decode()

    credential.refresh_from_db()
    assert "WorkStudio accepts" in text
    assert credential.status == CredentialStatus.ACTIVE
    assert credential.last_used_at is not None


def test_a_refused_login_needs_attention_and_says_what_to_do(
    admin_client: Client, workstudio: WorkStudio
) -> None:
    credential = CredentialFactory(secrets=_login(password="planted-wrong"))

    text = admin_client.post(_url(credential, "test"), follow=True).content.decode()

    credential.refresh_from_db()
    assert "The test failed" in text
    assert "planted-wrong" not in text
    assert credential.status == CredentialStatus.NEEDS_ATTENTION
    assert len(workstudio.calls()) == 1


def test_a_server_that_fails_is_not_the_login_s_fault(admin_client: Client, workstudio: WorkStudio) -> None:
    workstudio.fault("status", status=503, match={"path": "HEARTBEAT"})
    credential = CredentialFactory(secrets=_login())

    text = admin_client.post(_url(credential, "test"), follow=True).content.decode()

    credential.refresh_from_db()
    assert "The test failed" in text
    assert credential.status == CredentialStatus.ACTIVE


def test_half_a_login_and_providers_without_a_test_are_explained(admin_client: Client) -> None:
    half = CredentialFactory(secrets={"username": "TREECO\\svc"})
    other = CredentialFactory(provider="elsewhere")

    assert "Enter both" in admin_client.post(_url(half, "test"), follow=True).content.decode()
    assert "offers no test" in admin_client.post(_url(other, "test"), follow=True).content.decode()
    assert "Test connection" not in admin_client.get(_url(other)).content.decode()


@pytest.mark.parametrize("role", ["viewer", "admin", "planner"])
def test_only_those_who_govern_credentials_get_there(client: Client, role: str) -> None:
    credential = CredentialFactory(account=Account.objects.platform())
    client.force_login(UserFactory(groups=[role], accounts=[Account.objects.platform()]))

    for url in (reverse(LIST), reverse(ADD), _url(credential)):
        assert client.get(url).status_code == 403
    for view in ("test", "reactivate", "disable", "delete"):
        assert client.post(_url(credential, view)).status_code == 403


def test_sudo_admins_get_there_and_delete_nothing(client: Client) -> None:
    credential = CredentialFactory()
    client.force_login(UserFactory(groups=["sudo_admin"]))

    for url in (reverse(LIST), reverse(ADD), _url(credential)):
        assert client.get(url).status_code == 200
    assert client.post(_url(credential, "delete")).status_code == 403


@pytest.mark.parametrize("view", ["test", "reactivate", "disable"])
def test_operations_take_a_post_with_a_token(admin_client: Client, admin_user: Any, view: str) -> None:
    credential = CredentialFactory()
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(admin_user)

    assert admin_client.get(_url(credential, view)).status_code == 405
    assert strict.post(_url(credential, view)).status_code == 403


def test_credentials_of_other_accounts_are_as_if_they_did_not_exist(client: Client) -> None:
    mine = AccountFactory(name="Mine Inc")
    permissions = [f"integrations.{verb}_credential" for verb in ("view", "add", "change")]
    client.force_login(UserFactory(permissions=permissions, accounts=[mine]))
    own = CredentialFactory(account=mine, label="our login")
    other = CredentialFactory(account=AccountFactory(name="Others Inc"), label="their login")

    text = client.get(reverse(LIST)).content.decode()

    assert "our login" in text
    assert "their login" not in text
    assert "Others Inc" not in text + client.get(reverse(ADD)).content.decode()
    assert client.get(_url(own)).status_code == 200
    assert client.get(_url(other)).status_code == 302
    client.post(_url(other, "disable"))
    other.refresh_from_db()
    assert other.status == "active"


def test_the_list_asks_as_many_queries_for_fifty_rows_as_for_five(
    admin_client: Client, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    def queries() -> int:
        with django_assert_max_num_queries(30) as captured:
            admin_client.get(reverse(LIST))
        return len(captured)

    account = AccountFactory()
    for number in range(5):
        CredentialFactory(account=account, external_id=f"first {number}")
    few = queries()
    for number in range(45):
        CredentialFactory(account=account, external_id=f"more {number}")

    assert queries() == few
