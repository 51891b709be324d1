"""Moving a circuit on the board from its page."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client
from django.urls import reverse

from circuits.aggregates.job import SyncCircuitAggregatesJob
from circuits.models import Circuit
from synclogs.models import Job, LiveEvent
from tests.factories import CircuitFactory, UserFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def circuit() -> Circuit:
    made: Circuit = CircuitFactory()
    return made


def move(client: Client, circuit: Circuit, stage: str) -> str:
    """Move it, and what the page then says."""
    url = reverse("admin:circuits_circuit_move", args=[circuit.pk])
    answer: Any = client.post(url, {"stage": stage}, follow=True)
    assert answer.redirect_chain == [(reverse("admin:circuits_circuit_change", args=[circuit.pk]), 302)]
    return " ".join(str(message) for message in answer.context["messages"])


def test_a_move_says_who_and_when_and_leaves_a_trace(client: Client, circuit: Circuit) -> None:
    boss = UserFactory(groups=["admin"])
    client.force_login(boss)
    assert "stands under QC now" in move(client, circuit, "qc")
    state = circuit.get_or_create_ui_state()
    assert (state.workflow_stage, state.stage_changed_by) == ("qc", boss)
    assert state.stage_changed_at is not None
    assert LogEntry.objects.get().change_message == "Moved from Active to QC."
    event = LiveEvent.objects.get(channel=f"circuit.{circuit.pk}")
    assert (event.payload["from_stage"], event.payload["to_stage"]) == ("active", "qc")
    assert not Job.objects.exists()


def test_one_that_begins_to_wait_for_permissions_has_its_units_fetched(
    admin_client: Client, circuit: Circuit
) -> None:
    assert "planned units are fetched now" in move(admin_client, circuit, "pending_permissions")
    job = Job.objects.get()
    assert (job.name, job.args["circuit_ids"]) == (SyncCircuitAggregatesJob.name, [circuit.pk])
    assert job.args["trigger"] == "workflow_event"


@pytest.mark.parametrize(
    ("stage", "said"), [("active", "already"), ("", "choose one"), ("x" * 500, "choose")]
)
def test_a_move_that_makes_no_sense_changes_nothing(
    admin_client: Client, circuit: Circuit, stage: str, said: str
) -> None:
    assert said in move(admin_client, circuit, stage)
    assert not LogEntry.objects.exists()
    assert not LiveEvent.objects.exists()


@pytest.mark.parametrize(("role", "offered"), [("admin", True), ("viewer", False), ("planner", False)])
def test_only_those_who_may_are_offered_it(
    client: Client, circuit: Circuit, role: str, offered: bool
) -> None:
    user = UserFactory(groups=[role])
    circuit.planners.add(user)
    client.force_login(user)
    text = client.get(reverse("admin:circuits_circuit_change", args=[circuit.pk])).content.decode()
    assert (reverse("admin:circuits_circuit_move", args=[circuit.pk]) in text) is offered
