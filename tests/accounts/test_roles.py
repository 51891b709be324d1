"""Each cell of the table of roles in docs/security.md, and that groups are kept in step with it."""

from __future__ import annotations

from typing import Any

import pytest
from django.apps import apps
from django.contrib.auth.models import Group, Permission
from django.core.management import call_command
from django.test import Client
from django.urls import reverse

from accounts import roles
from accounts.models import User
from accounts.roles import ADMIN, PERMISSIONS, PLANNER, ROLES, SUDO_ADMIN, VIEWER
from circuits.models import Circuit, CircuitPlanner
from synclogs.models import SyncLog
from tests.factories import AccountFactory, CircuitFactory, MembershipFactory, SyncLogFactory, UserFactory

pytestmark = pytest.mark.django_db

EVERYBODY = set(ROLES)
OPERATORS = {SUDO_ADMIN, ADMIN}
ONLOOKERS = {SUDO_ADMIN, ADMIN, VIEWER}
SUDO = {SUDO_ADMIN}

TABLE: dict[str, tuple[set[str], tuple[str, ...]]] = {
    "see circuits": (
        EVERYBODY,
        (
            "circuits.view_circuit",
            "circuits.view_circuitaggregate",
            "circuits.view_circuitsnapshot",
            "circuits.view_circuituistate",
            "circuits.view_region",
        ),
    ),
    "see runs, jobs, alerts, connections": (
        ONLOOKERS,
        (
            "synclogs.view_synclog",
            "synclogs.view_syncissue",
            "synclogs.view_job",
            "synclogs.view_jobattempt",
            "synclogs.view_alert",
            "synclogs.view_commandexecution",
            "synclogs.view_workerheartbeat",
            "integrations.view_integration",
            "integrations.view_webhookdelivery",
            "circuits.view_unlinkedplanner",
            "circuits.view_apistatusconfig",
        ),
    ),
    "sync now, retry, cancel": (OPERATORS, ("synclogs.operate_syncs",)),
    "pause and resume": (OPERATORS, ("integrations.change_integration",)),
    "acknowledge alerts": (OPERATORS, ("synclogs.change_alert",)),
    "link planners": (OPERATORS, ("circuits.link_planners", "circuits.add_circuitplanner")),
    "move circuits on the board": (OPERATORS, ("circuits.change_workflow_stage",)),
    "say how units are measured": (OPERATORS, ("circuits.change_unittype",)),
    "leave circuits out of reports": (OPERATORS, ("circuits.change_circuit",)),
    "users, memberships, credentials": (
        SUDO,
        tuple(
            f"{app}.{verb}_{model}"
            for app, model in (
                ("accounts", "user"),
                ("accounts", "account"),
                ("accounts", "membership"),
                ("integrations", "credential"),
            )
            for verb in ("view", "add", "change", "delete")
        ),
    ),
    "see who changed what in all accounts": (SUDO, ("admin.view_logentry",)),
    "see roles": (SUDO, ("auth.view_group",)),
}
CELLS = [
    (role, permission, role in may)
    for may, permissions in TABLE.values()
    for permission in permissions
    for role in ROLES
]


@pytest.mark.parametrize("role", ROLES)
def test_each_cell_of_the_table(role: str) -> None:
    holder = UserFactory.create(groups=[role])
    wrong = [
        (permission, expected)
        for whose, permission, expected in CELLS
        if whose == role and holder.has_perm(permission) is not expected
    ]
    assert wrong == []


def test_every_permission_of_the_table_exists_or_belongs_to_what_is_still_to_come() -> None:
    wanted = {name for names in PERMISSIONS.values() for name in names}
    existing = {
        f"{permission.content_type.app_label}.{permission.codename}"
        for permission in Permission.objects.select_related("content_type")
    }
    models = {f"{model._meta.app_label}.{model._meta.model_name}" for model in apps.get_models()}
    missing = {
        name for name in wanted - existing if f"{name.split('.')[0]}.{name.rpartition('_')[2]}" in models
    }
    assert missing == set()


def test_nobody_may_write_to_the_ledger() -> None:
    ledger = ("synclog", "job", "jobattempt", "syncissue", "commandexecution", "liveevent")
    writing = {f"synclogs.{verb}_{model}" for verb in ("add", "change", "delete") for model in ledger}
    assert not any(writing & names for names in PERMISSIONS.values())


@pytest.mark.parametrize("role", [PLANNER, VIEWER])
def test_planners_and_viewers_only_read(role: str) -> None:
    assert {name.split(".")[1].split("_")[0] for name in PERMISSIONS[role]} == {"view"}


def test_accounts_bound_what_a_role_sees() -> None:
    mine, other = AccountFactory.create(), AccountFactory.create()
    own, foreign = SyncLogFactory.create(account=mine), SyncLogFactory.create(account=other)
    for role in (ADMIN, VIEWER):
        member = UserFactory.create(groups=[role])
        MembershipFactory.create(user=member, account=mine)
        assert list(SyncLog.objects.visible_to(member)) == [own]
    boss = UserFactory.create(groups=[SUDO_ADMIN])
    assert set(SyncLog.objects.visible_to(boss)) == {own, foreign}


def test_planners_see_the_circuits_assigned_to_them() -> None:
    mine, _ = CircuitFactory.create(), CircuitFactory.create()
    planner = UserFactory.create(groups=[PLANNER])
    CircuitPlanner.objects.create(circuit=mine, user=planner)
    assert list(Circuit.objects.visible_to(planner)) == [mine]
    assert Circuit.objects.visible_to(UserFactory.create(groups=[VIEWER])).count() == 2


@pytest.mark.parametrize("role", ROLES)
def test_who_may_open_the_live_page(role: str, client: Client) -> None:
    client.force_login(UserFactory.create(groups=[role]))
    expected = 200 if role in ONLOOKERS else 403
    for name in ("live", "live_state"):
        assert client.get(reverse(f"operations:{name}")).status_code == expected


def test_whoever_is_not_signed_in_is_sent_to_the_login(client: Client) -> None:
    response = client.get(reverse("operations:live"))
    assert response.status_code == 302
    assert response["Location"].startswith(reverse("admin:login"))


def sync() -> None:
    for config in apps.get_app_configs():
        roles.sync_roles(config, using="default")


def test_keeping_in_step_is_idempotent(django_assert_num_queries: Any) -> None:
    before = {group.name: set(group.permissions.all()) for group in Group.objects.all()}
    sync()
    assert {group.name: set(group.permissions.all()) for group in Group.objects.all()} == before
    assert set(before) >= set(ROLES)


def test_what_is_not_in_the_table_any_more_is_taken_back() -> None:
    viewer = Group.objects.get(name=VIEWER)
    extra = Permission.objects.get(codename="operate_syncs")
    lost = Permission.objects.get(codename="view_synclog")
    viewer.permissions.add(extra)
    viewer.permissions.remove(lost)
    own = Group.objects.create(name="our own group")
    own.permissions.add(extra)
    sync()
    assert extra not in viewer.permissions.all()
    assert lost in viewer.permissions.all()
    assert extra in own.permissions.all()


@pytest.mark.django_db(transaction=True)
def test_every_migrate_keeps_in_step() -> None:
    Group.objects.filter(name=ADMIN).delete()
    call_command("migrate", verbosity=0)
    names = {
        f"{permission.content_type.app_label}.{permission.codename}"
        for permission in Group.objects.get(name=ADMIN).permissions.select_related("content_type")
    }
    assert names <= PERMISSIONS[ADMIN]
    assert "synclogs.operate_syncs" in names


@pytest.mark.parametrize("role", ROLES)
def test_whoever_gets_a_role_may_sign_in_to_the_admin(role: str) -> None:
    group = Group.objects.get(name=role)
    one, other = (User.objects.create(username=name) for name in ("one", "other"))
    one.groups.add(group)
    assert one.is_staff
    group.user_set.add(other)
    other.refresh_from_db()
    assert other.is_staff
    by_set = User.objects.create(username="third")
    by_set.groups.set([group])
    by_set.refresh_from_db()
    assert by_set.is_staff


def test_other_groups_make_nobody_staff() -> None:
    someone = User.objects.create(username="someone")
    someone.groups.add(Group.objects.create(name="readers of news"))
    someone.refresh_from_db()
    assert not someone.is_staff
