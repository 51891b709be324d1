"""Alerts and commands in the admin."""

from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from synclogs.models import Alert
from tests.factories import (
    AccountFactory,
    AlertFactory,
    CommandExecutionFactory,
    IntegrationFactory,
    JobFactory,
    SyncLogFactory,
    UserFactory,
)

pytestmark = pytest.mark.django_db

ALERTS = "admin:synclogs_alert_changelist"
COMMANDS = "admin:synclogs_commandexecution_changelist"


def _text(client: Client, name: str, *args: Any, **query: Any) -> str:
    answer = client.get(reverse(name, args=args), query)
    assert answer.status_code == 200
    return answer.content.decode()


def test_open_alerts_come_first_and_only_they_can_be_acknowledged(admin_client: Client) -> None:
    over, opened = AlertFactory(recovered=True, message="it is over"), AlertFactory(message="it goes on")

    text = _text(admin_client, ALERTS)

    assert text.index("it goes on") < text.index("it is over")
    assert reverse("admin:synclogs_alert_acknowledge", args=[opened.pk]) in text
    assert reverse("admin:synclogs_alert_acknowledge", args=[over.pk]) not in text


def test_the_page_says_what_to_do_and_links_to_run_job_and_connection(admin_client: Client) -> None:
    connection = IntegrationFactory()
    run, job = SyncLogFactory(failed=True), JobFactory(failed=True)
    alert = AlertFactory(
        integration=connection, run=run, job=job, context={"token": "planted-token", "status": 401}
    )

    text = _text(admin_client, "admin:synclogs_alert_change", alert.pk)

    assert "Enter the login again." in text
    assert "planted-token" not in text
    for row in (connection, run, job):
        page = f"admin:{row._meta.app_label}_{row._meta.model_name}_change"
        assert reverse(page, args=[row.pk]) in text


def test_acknowledging_stamps_who_and_when_once(admin_client: Client, admin_user: Any) -> None:
    alert: Alert = AlertFactory()
    url = reverse("admin:synclogs_alert_acknowledge", args=[alert.pk])

    admin_client.post(url)
    again = admin_client.post(url, follow=True)

    alert.refresh_from_db()
    assert alert.acknowledged_by == admin_user
    assert alert.acknowledged_at is not None
    assert LogEntry.objects.get().get_change_message() == "Acknowledged."
    assert "acknowledged already" in again.content.decode()


def test_selected_alerts_are_acknowledged_except_those_that_are_over(admin_client: Client) -> None:
    alerts = [AlertFactory(), AlertFactory(), AlertFactory(recovered=True)]

    admin_client.post(
        reverse(ALERTS),
        {"action": "acknowledge_selected", "_selected_action": [str(alert.pk) for alert in alerts]},
    )

    assert Alert.objects.filter(acknowledged_at__isnull=False).count() == 2
    assert LogEntry.objects.count() == 2


def test_alerts_of_other_accounts_are_as_if_they_did_not_exist(client: Client) -> None:
    mine = AccountFactory()
    client.force_login(UserFactory(groups=["admin"], accounts=[mine]))
    AlertFactory(message="of everybody")
    AlertFactory(message="of mine", account=mine)
    AlertFactory(message="by connection", integration=IntegrationFactory())
    other = AlertFactory(message="of others", account=AccountFactory())

    text = _text(client, ALERTS)

    assert "of everybody" in text
    assert "of mine" in text
    assert "of others" not in text
    assert "by connection" not in text
    client.post(reverse("admin:synclogs_alert_acknowledge", args=[other.pk]))
    other.refresh_from_db()
    assert other.acknowledged_at is None


def test_the_sidebar_and_the_dashboard_count_open_alerts(admin_client: Client) -> None:
    assert "Nothing needs a person." in _text(admin_client, "admin:index")
    AlertFactory.create_batch(2)
    AlertFactory(severity="warning")
    AlertFactory(recovered=True)

    text = _text(admin_client, "admin:index")

    assert "<b>2</b> critical" in text
    assert "3 not acknowledged." in text
    badge = text[text.index(reverse(ALERTS)) :]
    assert "bg-red-100" in badge[:4000]


@pytest.mark.parametrize(("name", "make"), [(ALERTS, AlertFactory), (COMMANDS, CommandExecutionFactory)])
def test_lists_ask_as_many_queries_for_fifty_rows_as_for_five(
    admin_client: Client, name: str, make: Any, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    def queries() -> int:
        with django_assert_max_num_queries(30) as captured:
            _text(admin_client, name)
        return len(captured)

    make.create_batch(5)
    few = queries()
    make.create_batch(45)

    assert queries() == few


def test_nothing_of_alerts_and_commands_is_edited_added_or_deleted(admin_client: Client) -> None:
    for row in (AlertFactory(), CommandExecutionFactory()):
        name = f"admin:synclogs_{row._meta.model_name}"
        assert admin_client.post(reverse(f"{name}_change", args=[row.pk]), {}).status_code == 403
        assert admin_client.get(reverse(f"{name}_add")).status_code == 403
        assert admin_client.post(reverse(f"{name}_delete", args=[row.pk])).status_code == 403


def test_commands_say_how_they_ended(admin_client: Client) -> None:
    failed = CommandExecutionFactory(status="failed", error="no way <script>", args={"password": "hunter2"})

    text = _text(admin_client, COMMANDS)
    page = _text(admin_client, "admin:synclogs_commandexecution_change", failed.pk)

    assert "no way &lt;script&gt;" in text
    assert "no way &lt;script&gt;" in page
    assert "hunter2" not in page


def test_commands_of_other_accounts_are_not_listed(client: Client) -> None:
    mine = AccountFactory()
    client.force_login(UserFactory(groups=["viewer"], accounts=[mine]))
    CommandExecutionFactory(account=mine, command="my_command")
    CommandExecutionFactory(account=AccountFactory(), command="their_command")

    text = _text(client, COMMANDS)

    assert "my_command" in text
    assert "their_command" not in text
