"""What syncs and people do to circuits is told: after the commit, and on the circuit's own channel."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from pytest_django import DjangoCaptureOnCommitCallbacks

from circuits import events, services
from circuits.aggregates.selection import Wanted
from circuits.events import CircuitEvent
from circuits.models import Circuit
from circuits.statuses import WorkflowStage
from synclogs.models import LiveEvent
from synclogs.progress import SilentReporter
from tests.circuits.conftest import Sync, WorkStudio, circuit_row
from tests.factories import CircuitFactory, UserFactory

pytestmark = pytest.mark.django_db

SIGNALS = (events.circuit_updated, events.planned_units_synced, events.circuit_workflow_changed)


@pytest.fixture
def heard() -> Iterator[list[CircuitEvent]]:
    """Every event that receivers were told."""
    told: list[CircuitEvent] = []

    def receiver(sender: object, event: CircuitEvent, **kwargs: object) -> None:
        told.append(event)

    for signal in SIGNALS:
        signal.connect(receiver)
    yield told
    for signal in SIGNALS:
        signal.disconnect(receiver)


def test_a_changed_circuit_is_told_with_the_names_of_its_fields(
    workstudio: WorkStudio,
    sync: Sync,
    heard: list[CircuitEvent],
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    workstudio.hold(circuit_row("a"), circuit_row("b"))
    sync()
    workstudio.hold(circuit_row("a", SS_TITLE="NEW"))
    with django_capture_on_commit_callbacks(execute=True):
        run = sync()
    [event] = heard
    circuit = Circuit.objects.get(job_guid="a")
    assert isinstance(event, events.CircuitUpdated)
    assert (event.circuit_id, event.sync_id, event.changed_fields) == (circuit.pk, run.pk, ("title",))
    assert LiveEvent.objects.filter(channel=f"circuit.{circuit.pk}").count() == 1


def test_planned_units_are_told_where_the_numbers_were_written(
    workstudio: WorkStudio,
    heard: list[CircuitEvent],
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    workstudio.load("planned_units")
    workstudio.load("circuits")
    circuit = CircuitFactory(work_order="2026-4107")
    with django_capture_on_commit_callbacks(execute=True):
        for _ in range(2):
            services.sync_aggregates_now(Wanted(force=True), SilentReporter())
    [event] = heard
    assert isinstance(event, events.PlannedUnitsSynced)
    assert (event.circuit_id, event.total_units) == (circuit.pk, 6)


def test_a_card_that_was_moved_is_told(
    heard: list[CircuitEvent], django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    circuit, user = CircuitFactory(), UserFactory()
    with django_capture_on_commit_callbacks(execute=True):
        services.move_circuit(circuit, WorkflowStage.QC, user)
    [event] = heard
    assert isinstance(event, events.CircuitWorkflowChanged)
    assert (event.from_stage, event.to_stage, event.changed_by) == ("active", "qc", user.pk)
