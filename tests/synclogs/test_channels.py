"""Who may listen to which channel."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import AnonymousUser

from circuits import channels as circuit_channels
from circuits.models import CircuitPlanner
from synclogs.channels import may_listen, register_channel
from tests.factories import CircuitFactory, UserFactory

pytestmark = pytest.mark.django_db

ROLES = ("sudo_admin", "admin", "planner", "viewer")


@pytest.fixture(autouse=True)
def _circuit_channel() -> None:
    circuit_channels.connect()


@pytest.mark.parametrize("role", ROLES)
def test_the_dashboard_is_for_whoever_is_signed_in(role: str) -> None:
    assert may_listen(UserFactory.create(groups=[role]), "dashboard")


@pytest.mark.parametrize(("role", "allowed"), [(role, role.endswith("admin")) for role in ROLES])
def test_sync_status_is_for_operators(role: str, allowed: bool) -> None:
    assert may_listen(UserFactory.create(groups=[role]), "sync-status") is allowed


@pytest.mark.parametrize(("role", "allowed"), [(role, role != "planner") for role in ROLES])
def test_a_circuit_is_for_whoever_may_see_it(role: str, allowed: bool) -> None:
    circuit = CircuitFactory.create()
    assert may_listen(UserFactory.create(groups=[role]), f"circuit.{circuit.pk}") is allowed


def test_planners_hear_of_the_circuits_assigned_to_them() -> None:
    planner, mine, other = (
        UserFactory.create(groups=["planner"]),
        CircuitFactory.create(),
        CircuitFactory.create(),
    )
    CircuitPlanner.objects.create(circuit=mine, user=planner)
    assert may_listen(planner, f"circuit.{mine.pk}")
    assert not may_listen(planner, f"circuit.{other.pk}")


@pytest.mark.parametrize(
    "channel",
    ["", "dashboards", "sync-status ", "circuit.", "circuit.0", "circuit.-1", "circuit.1.2", "circuit.x"],
)
def test_what_is_not_declared_is_for_nobody(channel: str) -> None:
    assert not may_listen(UserFactory.create(is_superuser=True), channel)


def test_a_circuit_that_is_not_there_is_for_nobody() -> None:
    assert not may_listen(UserFactory.create(is_superuser=True), "circuit.999999999999999999")


def test_only_active_people_listen() -> None:
    assert not may_listen(AnonymousUser(), "dashboard")  # type: ignore[arg-type]
    assert not may_listen(UserFactory.create(is_active=False, is_superuser=True), "dashboard")


def test_declaring_a_channel_again_replaces_it() -> None:
    register_channel("test-once", lambda user, match: True)
    register_channel("test-once", lambda user, match: False)
    assert not may_listen(UserFactory.create(), "test-once")
