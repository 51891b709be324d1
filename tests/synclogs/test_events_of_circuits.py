"""News of circuits: on the circuit's own channel in the transaction, to the receivers after it."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from circuits import events
from circuits.events import CircuitEvent, CircuitUpdated, CircuitWorkflowChanged, PlannedUnitsSynced, announce
from synclogs.live import LiveReader, Position
from synclogs.models import LiveEvent
from tests.factories import UserFactory

pytestmark = pytest.mark.django_db


def updated(circuit_id: int = 7) -> CircuitUpdated:
    return CircuitUpdated(circuit_id, "2026-4107", uuid.uuid4(), ("total_miles", "title"), timezone.now())


def test_each_event_is_heard_by_both(django_capture_on_commit_callbacks: Any) -> None:
    heard: list[Any] = []

    def listen(event: Any, **kwargs: Any) -> None:
        heard.append(event)

    now = timezone.now()
    told: list[CircuitEvent] = [
        updated(),
        PlannedUnitsSynced(7, "2026-4107", None, 41, now),
        CircuitWorkflowChanged(8, "active", "qc", 3, now),
    ]
    signals = (events.circuit_updated, events.planned_units_synced, events.circuit_workflow_changed)
    for signal in signals:
        signal.connect(listen)
    try:
        with django_capture_on_commit_callbacks(execute=True):
            announce(told)
            assert heard == []
    finally:
        for signal in signals:
            signal.disconnect(listen)
    assert heard == told
    assert list(LiveEvent.objects.values_list("channel", "kind")) == [
        ("circuit.7", "circuit.updated"),
        ("circuit.7", "circuit.planned_units_synced"),
        ("circuit.8", "circuit.workflow_changed"),
    ]


def test_payloads_are_plain_json() -> None:
    event = updated()
    announce([event])
    payload = LiveEvent.objects.get().payload
    assert payload["changed_fields"] == ["total_miles", "title"]
    assert payload["sync_id"] == str(event.sync_id)


def test_whoever_may_listen_hears_it_whatever_their_accounts_are() -> None:
    reader = LiveReader(UserFactory.create(groups=["planner"]), ["circuit.7"], Position(0))
    announce([updated(7), updated(8)])
    assert [message["channel"] for message in reader.read()] == ["circuit.7"]


def test_many_are_one_statement() -> None:
    with CaptureQueriesContext(connection) as queries:
        announce(updated(number) for number in range(1, 101))
    assert len([query for query in queries if "INSERT" in query["sql"]]) == 1
    announce([])
