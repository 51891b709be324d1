"""From the planned units of a circuit to the numbers of its aggregate."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from circuits.aggregates.units import PENDING, Unit
from circuits.models import Measurement, UnitType

FEET = Decimal("0.01")
FINE = Decimal("0.0001")


@dataclass(slots=True)
class UnitBook:
    """What each unit code is measured in, and how often codes came that nobody knows."""

    measured_in: Mapping[str, str]
    unknown: Counter[str] = field(default_factory=Counter)

    @classmethod
    def read(cls, unknown: Mapping[str, int] | None = None) -> UnitBook:
        """The book of this installation: one query. `unknown` is what an earlier process counted."""
        kinds = UnitType.objects.values_list("code", "measurement_type")
        return cls(dict(kinds), Counter(unknown or {}))

    def note_unknown(self, units: Iterable[Unit]) -> None:
        """Count the codes of these units that have no unit type."""
        self.unknown.update(unit.code for unit in units if unit.code not in self.measured_in)


def totals(units: Collection[Unit], measured_in: Mapping[str, str]) -> dict[str, Any]:
    """The columns of an aggregate that come from units; a code without a measure counts as a unit only."""
    feet = _sums(units, measured_in, Measurement.LINEAR_FT)
    acres = _sums(units, measured_in, Measurement.ACRES)
    trees = _sums(units, measured_in, Measurement.TREES)
    permissions = Counter(unit.permission for unit in units)
    return {
        "total_units": len(units),
        "total_linear_ft": sum(feet.values(), Decimal(0)).quantize(FEET),
        "total_acres": sum(acres.values(), Decimal(0)).quantize(FINE),
        "total_trees": int(sum(trees.values(), Decimal(0))),
        "units_approved": permissions["Approved"],
        "units_refused": permissions["Refused"],
        "units_pending": permissions[PENDING],
        "permission_counts": {name: count for name, count in sorted(permissions.items()) if count},
        "unit_counts_by_type": dict(sorted(Counter(unit.code for unit in units).items())),
        "linear_ft_by_type": _shown(feet),
        "acres_by_type": _shown(acres),
        "planner_distribution": _by_planner(units),
    }


def _sums(
    units: Collection[Unit], measured_in: Mapping[str, str], measurement: Measurement
) -> dict[str, Decimal]:
    """What the units of each code with this measurement add up to."""
    sums: defaultdict[str, Decimal] = defaultdict(Decimal)
    for unit in units:
        if measured_in.get(unit.code) == measurement:
            sums[unit.code] += getattr(unit, measurement.value)
    return dict(sorted(sums.items()))


def _shown(sums: Mapping[str, Decimal]) -> dict[str, float]:
    return {code: float(rounded) for code, value in sums.items() if (rounded := value.quantize(FINE)) > 0}


def _by_planner(units: Collection[Unit]) -> dict[str, dict[str, Any]]:
    by_planner: defaultdict[str, list[Unit]] = defaultdict(list)
    for unit in units:
        by_planner[unit.planner].append(unit)
    return {
        planner: {
            "unit_count": len(own),
            "linear_ft": float(sum((unit.linear_ft for unit in own), Decimal(0)).quantize(FEET)),
            "acres": float(sum((unit.acres for unit in own), Decimal(0)).quantize(FINE)),
            "trees": sum(unit.trees for unit in own),
        }
        for planner, own in sorted(by_planner.items())
    }
