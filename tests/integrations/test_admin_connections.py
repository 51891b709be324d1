"""Connections in the admin."""

from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from integrations.models import CredentialStatus, Integration, IntegrationStatus
from tests.factories import CredentialFactory, IntegrationFactory, MembershipFactory, UserFactory

pytestmark = pytest.mark.django_db

LIST = "admin:integrations_integration_changelist"


def _page(connection: Integration) -> str:
    return reverse("admin:integrations_integration_change", args=[connection.pk])


@pytest.mark.parametrize(
    ("traits", "label"),
    [
        ({}, "never synced"),
        ({"last_successful_update_at": timezone.now()}, "healthy"),
        ({"error_count": 2}, "failing (2 errors)"),
        ({"status": IntegrationStatus.NEEDS_ATTENTION, "status_reason": "unauthorized"}, "needs attention"),
        ({"paused": True, "error_count": 2}, "paused"),
    ],
)
def test_the_list_says_how_a_connection_is_doing(
    admin_client: Client, traits: dict[str, Any], label: str
) -> None:
    connection = IntegrationFactory(**traits)

    text = admin_client.get(reverse(LIST)).content.decode()

    assert label in text
    assert f"integration__id__exact={connection.pk}" in text


def test_the_list_asks_as_many_queries_for_fifty_rows_as_for_five(
    admin_client: Client, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    def queries() -> int:
        with django_assert_max_num_queries(30) as captured:
            admin_client.get(reverse(LIST))
        return len(captured)

    IntegrationFactory.create_batch(5)
    few = queries()
    IntegrationFactory.create_batch(45)

    assert queries() == few


def test_name_and_pause_are_edited_and_nothing_else(admin_client: Client, admin_user: Any) -> None:
    connection: Integration = IntegrationFactory(error_count=3)

    admin_client.post(
        _page(connection), {"name": "Renamed", "paused": "on", "provider": "other", "error_count": "0"}
    )

    connection.refresh_from_db()
    assert (connection.name, connection.paused) == ("Renamed", True)
    assert (connection.provider, connection.error_count) == ("workstudio", 3)
    assert LogEntry.objects.get().user == admin_user


def test_a_save_does_not_undo_what_a_sync_wrote_meanwhile(
    admin_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    connection: Integration = IntegrationFactory()
    save = Integration.save

    def save_after_a_sync(self: Integration, *args: Any, **kwargs: Any) -> None:
        Integration.objects.filter(pk=self.pk).update(error_count=7)
        save(self, *args, **kwargs)

    monkeypatch.setattr(Integration, "save", save_after_a_sync)
    admin_client.post(_page(connection), {"name": "Renamed"})

    connection.refresh_from_db()
    assert (connection.name, connection.error_count) == ("Renamed", 7)


def test_secrets_in_the_configuration_are_not_shown(admin_client: Client) -> None:
    connection = IntegrationFactory(configuration={"api_token": "hunter2-hunter2", "page_size": 50})

    text = admin_client.get(_page(connection)).content.decode()

    assert "hunter2" not in text
    assert "page_size" in text


def test_removed_connections_are_not_listed(admin_client: Client) -> None:
    IntegrationFactory(name="Removed one", deleted_at=timezone.now())

    assert "Removed one" not in admin_client.get(reverse(LIST)).content.decode()


def test_connections_are_neither_added_nor_deleted(admin_client: Client) -> None:
    connection = IntegrationFactory()

    assert admin_client.get(reverse("admin:integrations_integration_add")).status_code == 403
    delete = reverse("admin:integrations_integration_delete", args=[connection.pk])
    assert admin_client.post(delete).status_code == 403


def test_a_connection_is_disconnected_and_the_last_one_revokes_its_credential(admin_client: Client) -> None:
    credential = CredentialFactory()
    first, last = (
        IntegrationFactory(credential=credential, account=credential.account, instance_type=name)
        for name in ("first", "last")
    )

    def press(connection: Integration) -> None:
        page = reverse("admin:integrations_integration_disconnect", args=[connection.pk])
        answer = admin_client.post(page, follow=True)
        assert answer.redirect_chain[-1][0] == reverse(LIST)

    press(first)
    credential.refresh_from_db()
    assert credential.status == CredentialStatus.ACTIVE
    press(last)
    credential.refresh_from_db()
    assert (credential.status, credential.status_reason) == (CredentialStatus.REVOKED, "disconnected")
    assert Integration.objects.filter(deleted_at__isnull=False).count() == 2
    assert LogEntry.objects.filter(change_message__contains="Disconnected").count() == 2


def test_only_operators_disconnect(client: Client) -> None:
    connection = IntegrationFactory(credential=CredentialFactory())
    viewer = UserFactory(groups=["viewer"])
    MembershipFactory(user=viewer, account=connection.account)
    client.force_login(viewer)

    answer = client.post(reverse("admin:integrations_integration_disconnect", args=[connection.pk]))

    assert answer.status_code == 403
    assert Integration.objects.get().deleted_at is None
