"""Accounts, users and the list of changes in the admin."""

from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client
from django.urls import reverse

from accounts.models import Account, Membership, User
from tests.factories import AccountFactory, UserFactory

pytestmark = pytest.mark.django_db

NO_INLINE = {"membership_set-TOTAL_FORMS": "0", "membership_set-INITIAL_FORMS": "0"}


def _user_page(user: User) -> str:
    return reverse("admin:accounts_user_change", args=[user.pk])


def _form(user: User, **changed: Any) -> dict[str, Any]:
    joined = user.date_joined
    return {
        "username": user.username,
        "email": user.email,
        "is_active": "on",
        "is_staff": "on",
        "date_joined_0": f"{joined:%Y-%m-%d}",
        "date_joined_1": f"{joined:%H:%M:%S}",
        **NO_INLINE,
        **changed,
    }


def test_a_user_is_added_with_a_password_that_works(admin_client: Client, client: Client) -> None:
    password = "a-long-and-odd-passphrase"

    admin_client.post(
        reverse("admin:accounts_user_add"),
        {
            "username": "newcomer",
            "usable_password": "true",
            "password1": password,
            "password2": password,
            **NO_INLINE,
        },
    )

    assert User.objects.get(username="newcomer").check_password(password)


def test_the_user_list_shows_roles_and_workstudio_name(admin_client: Client) -> None:
    UserFactory(username="mvance", groups=["planner"], ws_username="TREECO\\mvance")

    text = admin_client.get(reverse("admin:accounts_user_changelist")).content.decode()

    assert "TREECO\\mvance" in text
    assert "planner" in text


def test_giving_a_workstudio_name_marks_the_user_as_linked(admin_client: Client) -> None:
    user = UserFactory()

    admin_client.post(_user_page(user), _form(user, ws_username=" TREECO\\mvance "))

    user.refresh_from_db()
    assert (user.ws_username, user.ws_username_key) == ("TREECO\\mvance", "treeco\\mvance")
    assert user.is_ws_linked
    assert user.ws_linked_at is not None


def test_a_workstudio_name_belongs_to_one_user_whatever_its_spelling(admin_client: Client) -> None:
    UserFactory(username="first", ws_username="TREECO\\mvance")
    user = UserFactory()

    answer = admin_client.post(_user_page(user), _form(user, ws_username="treeco\\MVance"))

    assert "first carries this name already." in answer.content.decode()
    user.refresh_from_db()
    assert user.ws_username == ""


def test_only_superusers_make_superusers(client: Client) -> None:
    client.force_login(UserFactory(groups=["sudo_admin"]))
    user = UserFactory()

    answer = client.post(_user_page(user), _form(user, is_superuser="on", first_name="Sam"))

    user.refresh_from_db()
    assert answer.status_code == 302
    assert (user.first_name, user.is_superuser) == ("Sam", False)


@pytest.mark.parametrize("view", ["change", "password"])
def test_nobody_below_a_superuser_changes_one(client: Client, view: str) -> None:
    client.force_login(UserFactory(groups=["sudo_admin"]))
    root = UserFactory(is_superuser=True)
    page = _user_page(root)
    url = page if view == "change" else page.replace("/change/", "/password/")

    answer = client.post(url, {"password1": "x" * 20, "password2": "x" * 20, "usable_password": "true"})

    assert answer.status_code == 403


def test_users_and_accounts_are_not_deleted(admin_client: Client) -> None:
    user, account = UserFactory(), AccountFactory()

    assert admin_client.post(reverse("admin:accounts_user_delete", args=[user.pk])).status_code == 403
    assert admin_client.post(reverse("admin:accounts_account_delete", args=[account.pk])).status_code == 403


def test_an_account_is_added_with_a_subdomain_made_from_its_name(admin_client: Client) -> None:
    admin_client.post(
        reverse("admin:accounts_account_add"),
        {
            "name": "Northwind Estates",
            "status": "active",
            "timezone": "America/New_York",
            "integrations": "{}",
            **NO_INLINE,
        },
    )

    assert Account.objects.get(name="Northwind Estates").subdomain == "northwind-estates"


def test_members_are_added_on_the_account(admin_client: Client) -> None:
    account, user = AccountFactory(), UserFactory()

    admin_client.post(
        reverse("admin:accounts_account_change", args=[account.pk]),
        {
            "name": account.name,
            "subdomain": account.subdomain,
            "status": "active",
            "timezone": account.timezone,
            "integrations": "{}",
            "membership_set-TOTAL_FORMS": "1",
            "membership_set-INITIAL_FORMS": "0",
            "membership_set-0-user": user.pk,
            "membership_set-0-account": account.pk,
        },
    )

    assert Membership.objects.filter(user=user, account=account).exists()


def test_accounts_of_others_are_not_listed(client: Client) -> None:
    mine, other = AccountFactory(name="Mine Inc"), AccountFactory(name="Others Inc")
    client.force_login(UserFactory(permissions=["accounts.view_account"], accounts=[mine]))

    text = client.get(reverse("admin:accounts_account_changelist")).content.decode()

    assert "Mine Inc" in text
    assert "Others Inc" not in text
    answer = client.get(reverse("admin:accounts_account_change", args=[other.pk]))
    assert answer.status_code == 302


def test_every_change_is_listed_and_none_can_be_edited(admin_client: Client) -> None:
    user = UserFactory()
    admin_client.post(_user_page(user), _form(user, first_name="Sam"))
    entry = LogEntry.objects.get()
    page = reverse("admin:admin_logentry_change", args=[entry.pk])

    text = admin_client.get(reverse("admin:admin_logentry_changelist")).content.decode()

    assert "Changed First name" in text
    assert admin_client.get(page).status_code == 200
    assert admin_client.post(page, {}).status_code == 403
    assert admin_client.post(reverse("admin:admin_logentry_delete", args=[entry.pk])).status_code == 403
