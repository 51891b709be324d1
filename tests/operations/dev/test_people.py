"""The people of a development database."""

from pathlib import Path

import pytest
from django.utils import timezone

from accounts.models import User
from circuits.models import Circuit, UnlinkedPlanner
from circuits.workstudio.sandbox.people import KNOWN_PLANNERS
from operations.dev.people import create_known_planners, ensure_admin
from operations.dev.report import unlinked_planners

pytestmark = pytest.mark.django_db


def seen(ws_username: str) -> UnlinkedPlanner:
    now = timezone.now()
    key = ws_username.casefold()
    return UnlinkedPlanner.objects.create(
        ws_username=ws_username, ws_username_key=key, first_seen_at=now, last_seen_at=now
    )


def test_known_planners_become_users_who_cannot_sign_in() -> None:
    assert create_known_planners() == len(KNOWN_PLANNERS)
    assert create_known_planners() == 0

    planner = User.objects.get(ws_username=KNOWN_PLANNERS[0].username)
    assert planner.is_ws_linked
    assert not planner.has_usable_password()


def test_a_known_planner_gets_the_circuits_seen_before() -> None:
    name = KNOWN_PLANNERS[0].username
    circuit = Circuit.objects.create(job_guid="guid-1", api_status="ACTIV", taken_by=name)
    unlinked = seen(name)

    create_known_planners()

    unlinked.refresh_from_db()
    assert unlinked.linked_to_user is not None
    assert list(circuit.planners.all()) == [unlinked.linked_to_user]


def test_unlinked_planners_are_counted_by_circuits_whatever_the_case() -> None:
    seen("TREECO\\rhale")
    seen("OAKLINE\\nobody")
    for number, taken_by in enumerate(("TREECO\\rhale", "treeco\\RHALE", "")):
        Circuit.objects.create(job_guid=f"guid-{number}", api_status="ACTIV", taken_by=taken_by)

    assert unlinked_planners() == [
        {"ws_username": "TREECO\\rhale", "circuits": 2},
        {"ws_username": "OAKLINE\\nobody", "circuits": 0},
    ]


def test_admin_is_made_once_and_the_password_can_be_shown_again(tmp_path: Path) -> None:
    file = tmp_path / "admin_password"

    access = ensure_admin(file)

    assert User.objects.get(username="admin").check_password(access.password)
    assert file.stat().st_mode & 0o777 == 0o600
    assert ensure_admin(file) == access


def test_a_password_that_somebody_chose_is_not_claimed_to_be_known(tmp_path: Path) -> None:
    file = tmp_path / "admin_password"
    ensure_admin(file)
    admin = User.objects.get(username="admin")
    admin.set_password("chosen by a person")
    admin.save()

    access = ensure_admin(file)

    assert access.password == ""
    assert "changepassword" in access.note
