"""Circuits, where they stand on the board, who plans them, what is planned on them and how that changed."""

from circuits.models.aggregate import CircuitAggregate
from circuits.models.circuit import Circuit, CircuitQuerySet
from circuits.models.lookups import ApiStatusConfig, Region
from circuits.models.planner import AssignmentSource, CircuitPlanner, UnlinkedPlanner
from circuits.models.snapshot import CircuitSnapshot, SnapshotType
from circuits.models.ui_state import CircuitUiState
from circuits.models.unit_type import Measurement, UnitCategory, UnitType

__all__ = [
    "ApiStatusConfig",
    "AssignmentSource",
    "Circuit",
    "CircuitAggregate",
    "CircuitPlanner",
    "CircuitQuerySet",
    "CircuitSnapshot",
    "CircuitUiState",
    "Measurement",
    "Region",
    "SnapshotType",
    "UnitCategory",
    "UnitType",
    "UnlinkedPlanner",
]
