"""What happens to circuits, as signals with typed payloads and as news on `circuit.<id>`: docs/events.md."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar
from uuid import UUID

from django.dispatch import Signal

from synclogs.events import Event
from synclogs.models import LiveEvent

planned_units_synced = Signal()
circuit_workflow_changed = Signal()
circuit_updated = Signal()


@dataclass(frozen=True, slots=True)
class PlannedUnitsSynced(Event):
    """The planned units of a circuit were fetched and its totals written."""

    name: ClassVar[str] = "circuit.planned_units_synced"
    signal: ClassVar[Signal] = planned_units_synced

    circuit_id: int
    work_order: str
    sync_id: UUID | None
    total_units: int
    synced_at: datetime


@dataclass(frozen=True, slots=True)
class CircuitWorkflowChanged(Event):
    """Somebody moved a circuit to another column of the board; `changed_by` is a user's key."""

    name: ClassVar[str] = "circuit.workflow_changed"
    signal: ClassVar[Signal] = circuit_workflow_changed

    circuit_id: int
    from_stage: str
    to_stage: str
    changed_by: int | None
    changed_at: datetime


@dataclass(frozen=True, slots=True)
class CircuitUpdated(Event):
    """A sync has changed these fields of a circuit."""

    name: ClassVar[str] = "circuit.updated"
    signal: ClassVar[Signal] = circuit_updated

    circuit_id: int
    work_order: str
    sync_id: UUID
    changed_fields: tuple[str, ...]
    updated_at: datetime


CircuitEvent = PlannedUnitsSynced | CircuitWorkflowChanged | CircuitUpdated


def announce(events: Iterable[CircuitEvent]) -> None:
    """Put these on their circuits' channels in the caller's transaction, and tell the receivers after it."""
    told = list(events)
    LiveEvent.objects.publish_all(
        (f"circuit.{event.circuit_id}", event.name, event.as_dict()) for event in told
    )
    for event in told:
        event.send_after_commit()
