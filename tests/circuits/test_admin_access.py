"""Who gets what from every page and every action of the admin."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client
from django.urls import reverse

from accounts.models import Account, User
from circuits.models import ApiStatusConfig, UnitType
from synclogs.models import Job
from tests.factories import (
    AlertFactory,
    CircuitAggregateFactory,
    CircuitFactory,
    CircuitSnapshotFactory,
    CommandExecutionFactory,
    IntegrationFactory,
    JobFactory,
    RegionFactory,
    SyncLogFactory,
    UnlinkedPlannerFactory,
    UserFactory,
)

pytestmark = pytest.mark.django_db

Url = Callable[[], str]


def _run(view: str, **traits: Any) -> Url:
    return lambda: reverse(
        f"admin:synclogs_synclog_{view}", args=[SyncLogFactory(job=JobFactory(failed=True), **traits).pk]
    )


def _job(view: str, **traits: Any) -> Url:
    return lambda: reverse(f"admin:synclogs_job_{view}", args=[JobFactory(**traits).pk])


def _planner(view: str) -> Url:
    return lambda: reverse(f"admin:circuits_unlinkedplanner_{view}", args=[UnlinkedPlannerFactory().pk])


def _page(row: Any) -> str:
    return reverse(f"admin:{row._meta.app_label}_{row._meta.model_name}_change", args=[row.pk])


def _connection() -> str:
    connection = IntegrationFactory(account=Account.objects.platform())
    return reverse("admin:integrations_integration_change", args=[connection.pk])


PAGES: dict[str, Url] = {
    "runs": lambda: reverse("admin:synclogs_synclog_changelist"),
    "run": _run("change"),
    "run history": _run("history"),
    "live list of runs": lambda: reverse("admin:synclogs_synclog_live"),
    "running now": lambda: reverse("admin:synclogs_synclog_running"),
    "live page of a run": _run("live_page"),
    "jobs": lambda: reverse("admin:synclogs_job_changelist"),
    "job": _job("change"),
    "live page of a job": _job("live_page"),
    "circuits": lambda: reverse("admin:circuits_circuit_changelist"),
    "circuit": lambda: reverse("admin:circuits_circuit_change", args=[CircuitFactory().pk]),
    "unlinked planners": lambda: reverse("admin:circuits_unlinkedplanner_changelist"),
    "unlinked planner": _planner("change"),
    "regions": lambda: reverse("admin:circuits_region_changelist"),
    "region": lambda: reverse("admin:circuits_region_change", args=[RegionFactory().pk]),
    "status settings": lambda: reverse("admin:circuits_apistatusconfig_changelist"),
    "status setting": lambda: reverse(
        "admin:circuits_apistatusconfig_change", args=[ApiStatusConfig.objects.first().pk]  # type: ignore[union-attr]
    ),
    "planned units": lambda: reverse("admin:circuits_circuitaggregate_changelist"),
    "planned units of a day": lambda: _page(CircuitAggregateFactory()),
    "snapshots": lambda: reverse("admin:circuits_circuitsnapshot_changelist"),
    "snapshot": lambda: _page(CircuitSnapshotFactory()),
    "unit types": lambda: reverse("admin:circuits_unittype_changelist"),
    "unit type": lambda: _page(UnitType.objects.first()),
    "alerts": lambda: reverse("admin:synclogs_alert_changelist"),
    "alert": lambda: _page(AlertFactory()),
    "commands": lambda: reverse("admin:synclogs_commandexecution_changelist"),
    "command": lambda: _page(CommandExecutionFactory()),
    "schedules": lambda: reverse("admin:integrations_integration_schedules"),
    "connections": lambda: reverse("admin:integrations_integration_changelist"),
    "connection": _connection,
}  # fmt: skip

ACTIONS: dict[str, tuple[Url, dict[str, str]]] = {
    "sync now": (lambda: reverse("admin:circuits_circuit_sync"), {"statuses": "ACTIV"}),
    "retry a run": (_run("retry", failed=True), {}),
    "retry a job": (_job("retry", failed=True), {}),
    "cancel a job": (_job("cancel"), {}),
    "acknowledge an alert": (
        lambda: reverse("admin:synclogs_alert_acknowledge", args=[AlertFactory().pk]),
        {},
    ),
    "move a circuit": (
        lambda: reverse("admin:circuits_circuit_move", args=[CircuitFactory().pk]),
        {"stage": "qc"},
    ),
    "link a planner": (_planner("link"), {"user": "self"}),
    "unlink a planner": (_planner("unlink"), {}),
    "link selected planners": (lambda: reverse("admin:circuits_unlinkedplanner_link_selected"), {}),
}

FORMS: dict[str, tuple[Url, dict[str, str]]] = {
    "pause a connection": (_connection, {"name": "Mine", "paused": "on"}),
    "change a region": (
        lambda: _page(RegionFactory()),
        {"name": "Renamed", "code": "RN", "sort_order": "3"},
    ),
    "switch a status off": (
        lambda: _page(ApiStatusConfig.objects.get(api_status="QC")),
        {"display_name": "QC", "sync_frequency": "weekly", "sort_order": "2"},
    ),
    "say how a unit is measured": (
        lambda: _page(UnitType.objects.get(code="SPM")),
        {"name": "Renamed", "category": "VAR", "measurement_type": "acres"},
    ),
}

GOVERNED = ("accounts_account", "accounts_user", "auth_group", "integrations_credential")


@pytest.fixture
def platform() -> Account:
    """The account that every role holder of these tests belongs to."""
    return Account.objects.platform()


def _answer(client: Client, user: User | None, name: str) -> Any:
    if user is not None:
        client.force_login(user)
    if name in PAGES:
        return client.get(PAGES[name]())
    url, data = ACTIONS[name]
    if data.get("user") == "self":
        data = {"user": str(UserFactory().pk)}
    return client.post(url(), data)


@pytest.mark.parametrize("name", [*PAGES, *ACTIONS])
def test_anonymous_visitors_are_sent_to_the_login(client: Client, name: str) -> None:
    answer = _answer(client, None, name)

    assert answer.status_code == 302
    assert answer["Location"].startswith(reverse("admin:login"))


@pytest.mark.parametrize("name", [*PAGES, *ACTIONS])
def test_staff_without_permission_get_403(client: Client, name: str, platform: Account) -> None:
    assert _answer(client, UserFactory(accounts=[platform]), name).status_code == 403


@pytest.mark.parametrize("name", PAGES)
@pytest.mark.parametrize("role", ["viewer", "admin", "sudo_admin"])
def test_role_holders_see_every_page(client: Client, name: str, role: str, platform: Account) -> None:
    assert _answer(client, UserFactory(groups=[role], accounts=[platform]), name).status_code == 200


OF_CIRCUITS = {
    "circuits": 200,
    "circuit": 302,
    "regions": 200,
    "region": 200,
    "planned units": 200,
    "planned units of a day": 302,
    "snapshots": 200,
    "snapshot": 302,
}


@pytest.mark.parametrize("name", PAGES)
def test_planners_see_the_pages_of_circuits_and_no_other(
    client: Client, name: str, platform: Account
) -> None:
    """A circuit that is not theirs is answered as one that does not exist."""
    answer = _answer(client, UserFactory(groups=["planner"], accounts=[platform]), name)

    assert answer.status_code == OF_CIRCUITS.get(name, 403)


@pytest.mark.parametrize("name", ACTIONS)
@pytest.mark.parametrize("role", ["viewer", "planner"])
def test_viewers_and_planners_get_403_from_every_action(
    client: Client, name: str, role: str, platform: Account
) -> None:
    answer = _answer(client, UserFactory(groups=[role], accounts=[platform]), name)

    assert answer.status_code == 403
    assert not LogEntry.objects.exists()


@pytest.mark.parametrize("name", ACTIONS)
@pytest.mark.parametrize("role", ["admin", "sudo_admin"])
def test_operators_may_do_everything(client: Client, name: str, role: str, platform: Account) -> None:
    answer = _answer(client, UserFactory(groups=[role], accounts=[platform]), name)

    assert answer.status_code == 302
    assert not answer["Location"].startswith(reverse("admin:login"))


@pytest.mark.parametrize("name", FORMS)
@pytest.mark.parametrize(
    ("role", "status"), [("viewer", 403), ("planner", 403), ("admin", 302), ("sudo_admin", 302)]
)
def test_who_may_change_what_and_leaves_a_trace(
    client: Client, name: str, role: str, status: int, platform: Account
) -> None:
    client.force_login(UserFactory(groups=[role], accounts=[platform]))
    url, data = FORMS[name]

    assert client.post(url(), data).status_code == status
    assert LogEntry.objects.exists() is (status == 302)


@pytest.mark.parametrize("role", ["viewer", "planner"])
def test_only_operators_leave_a_circuit_out_of_reports(client: Client, role: str) -> None:
    user, circuit = UserFactory(groups=[role]), CircuitFactory()
    circuit.planners.add(user)
    client.force_login(user)

    assert client.post(_page(circuit), {"is_excluded": "on", "exclusion_reason": "why"}).status_code == 403
    circuit.refresh_from_db()
    assert not circuit.is_excluded


@pytest.mark.parametrize("name", [*PAGES, *ACTIONS])
def test_superusers_may_do_everything(admin_client: Client, name: str) -> None:
    assert _answer(admin_client, None, name).status_code in (200, 302)


@pytest.mark.parametrize("name", [name for name in ACTIONS if name != "sync now"])
def test_actions_are_not_done_by_following_a_link(admin_client: Client, name: str) -> None:
    assert admin_client.get(ACTIONS[name][0]()).status_code == 405


@pytest.mark.parametrize("name", ACTIONS)
def test_actions_need_a_csrf_token(name: str) -> None:
    client = Client(enforce_csrf_checks=True)

    assert _answer(client, UserFactory(is_superuser=True), name).status_code == 403
    assert not LogEntry.objects.exists()


@pytest.mark.parametrize("model", GOVERNED)
@pytest.mark.parametrize(("role", "status"), [("viewer", 403), ("admin", 403), ("planner", 403), (None, 200)])
def test_people_and_changes_are_not_for_every_role(
    client: Client, model: str, role: str | None, status: int
) -> None:
    client.force_login(UserFactory(groups=[role]) if role else UserFactory(is_superuser=True))

    assert client.get(reverse(f"admin:{model}_changelist")).status_code == status


@pytest.mark.parametrize(
    ("role", "status"), [("viewer", 403), ("planner", 403), ("admin", 403), ("sudo_admin", 200)]
)
def test_only_who_sees_all_accounts_sees_who_changed_what(client: Client, role: str, status: int) -> None:
    client.force_login(UserFactory(groups=[role]))

    assert client.get(reverse("admin:admin_logentry_changelist")).status_code == status


def test_viewers_are_offered_no_button(client: Client, platform: Account) -> None:
    client.force_login(UserFactory(groups=["viewer"], accounts=[platform]))
    run = SyncLogFactory(failed=True, job=JobFactory(failed=True))
    planner = UnlinkedPlannerFactory()
    pages = [
        reverse("admin:index"),
        *(PAGES[name]() for name in ("runs", "jobs", "circuits", "unlinked planners")),
        reverse("admin:synclogs_synclog_change", args=[run.pk]),
        reverse("admin:synclogs_job_change", args=[run.job.pk]),
        reverse("admin:circuits_unlinkedplanner_change", args=[planner.pk]),
    ]

    for page in pages:
        text = client.get(page).content.decode()
        assert "formaction" not in text, page
        assert "Sync now" not in text.replace("press Sync now", ""), page


def test_planners_see_their_own_circuits_and_no_runs(client: Client) -> None:
    planner = UserFactory(groups=["planner"])
    mine, other = CircuitFactory(work_order="2026-1111"), CircuitFactory(work_order="2026-2222")
    mine.planners.add(planner)
    client.force_login(planner)

    text = client.get(reverse("admin:circuits_circuit_changelist")).content.decode()

    assert "2026-1111" in text
    assert "2026-2222" not in text
    assert client.get(reverse("admin:circuits_circuit_change", args=[mine.pk])).status_code == 200
    assert client.get(reverse("admin:circuits_circuit_change", args=[other.pk])).status_code == 302
    assert client.get(reverse("admin:synclogs_synclog_changelist")).status_code == 403
    assert client.get(reverse("admin:index")).status_code == 200


@pytest.fixture
def stranger(client: Client) -> User:
    """An operator of another account, signed in."""
    user: User = UserFactory(groups=["admin"])
    client.force_login(user)
    return user


def test_rows_of_another_account_are_as_if_they_did_not_exist(client: Client, stranger: User) -> None:
    run = SyncLogFactory(failed=True, job=JobFactory(failed=True), error_message="none of your business")
    connection = IntegrationFactory(name="secret connection")

    for url in (
        reverse("admin:synclogs_synclog_change", args=[run.pk]),
        reverse("admin:synclogs_job_change", args=[run.job.pk]),
        reverse("admin:integrations_integration_change", args=[connection.pk]),
    ):
        answer = client.get(url, follow=True)
        assert answer.redirect_chain == [(reverse("admin:index"), 302)]
        assert "doesn’t exist" in answer.content.decode()
    for model in ("synclogs_synclog", "synclogs_job", "integrations_integration"):
        text = client.get(reverse(f"admin:{model}_changelist")).content.decode()
        assert "none of your business" not in text
        assert "secret connection" not in text


def test_live_answers_hold_nothing_of_another_account(client: Client, stranger: User) -> None:
    run = SyncLogFactory(running=True)

    listed = client.get(reverse("admin:synclogs_synclog_live"), {"run": str(run.pk)}).json()
    page = client.get(reverse("admin:synclogs_synclog_live_page", args=[run.pk]))
    running = client.get(reverse("admin:synclogs_synclog_running")).json()

    assert listed == {"open": False, "parts": {}}
    assert page.status_code == 404
    assert "Nothing is running" in running["parts"]["running"]


def test_rows_of_another_account_cannot_be_operated_on(client: Client, stranger: User) -> None:
    run = SyncLogFactory(failed=True, job=JobFactory(failed=True))
    waiting = JobFactory()

    client.post(reverse("admin:synclogs_synclog_retry", args=[run.pk]))
    client.post(reverse("admin:synclogs_job_retry", args=[run.job.pk]))
    client.post(reverse("admin:synclogs_job_cancel", args=[waiting.pk]))

    assert Job.objects.count() == 2
    waiting.refresh_from_db()
    assert waiting.status == "queued"
    assert not LogEntry.objects.exists()


def test_the_pickles_of_django_q_are_not_shown(admin_client: Client) -> None:
    text = admin_client.get(reverse("admin:index")).content.decode()

    assert "django_q" not in text
    assert admin_client.get("/admin/django_q/ormq/").status_code == 404
