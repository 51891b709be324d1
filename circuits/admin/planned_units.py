"""What is planned on a circuit, as its page shows it: figures, permissions, by type and by planner."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from circuits.models import Circuit, CircuitAggregate, UnitType
from synclogs.admin import html
from synclogs.admin.words import number

TONES = {"Approved": "ok", "PPL Approved": "ok", "Refused": "bad", "Pending": "warn", "No Contact": "warn"}
SHOWN_TYPES = 20


def latest(circuit: Circuit) -> dict[str, Any] | None:
    """The newest numbers of a circuit; None when its planned units were never fetched. Two queries."""
    row = circuit.aggregates.filter(is_rollup=False).order_by("-aggregate_date").first()
    return numbers(row) if row is not None else None


def numbers(row: CircuitAggregate) -> dict[str, Any]:
    """Everything that an aggregate says. One query, for the names of the codes."""
    day = row.aggregate_date
    return {
        "day": f"{day:%b} {day.day}, {day:%Y}",
        "figures": _figures(row),
        "approval_rate": row.approval_rate,
        "permissions": _permissions(row),
        "types": _types(row),
        "planners": _planners(row),
    }


def _figures(row: CircuitAggregate) -> list[dict[str, Any]]:
    figures: list[tuple[str, int | Decimal]] = [
        ("Units", row.total_units),
        ("Linear feet", row.total_linear_ft),
        ("Acres", row.total_acres),
        ("Trees", row.total_trees),
        ("Miles remaining", row.miles_remaining),
    ]
    return [
        {"name": name, "value": number(value), "tone": "plain" if value else "zero"}
        for name, value in figures
    ]


def _permissions(row: CircuitAggregate) -> list[dict[str, Any]]:
    """Each permission with its share of all units, most frequent first."""
    total = row.total_units or 1
    counts = sorted(row.permission_counts.items(), key=lambda item: (-item[1], item[0]))
    return [
        {
            "name": name,
            "bar": html.bar(
                100 * count / total,
                tone=TONES.get(name, "mute"),
                text=f"{number(count)} ({100 * count / total:.0f}%)",
            ),
        }
        for name, count in counts
    ]


def _types(row: CircuitAggregate) -> list[dict[str, Any]]:
    """Each code with its name, units and measure, most frequent first."""
    counts = sorted(row.unit_counts_by_type.items(), key=lambda item: (-item[1], item[0]))[:SHOWN_TYPES]
    names = dict(UnitType.objects.filter(code__in=[code for code, _ in counts]).values_list("code", "name"))
    return [
        {
            "code": code,
            "name": names.get(code, "unknown code: not measured"),
            "units": number(count),
            "measure": _measure(row, code),
        }
        for code, count in counts
    ]


def _measure(row: CircuitAggregate, code: str) -> str:
    if code in row.linear_ft_by_type:
        return f"{number(row.linear_ft_by_type[code])} ft"
    return f"{number(row.acres_by_type[code])} acres" if code in row.acres_by_type else "–"


def _planners(row: CircuitAggregate) -> list[dict[str, Any]]:
    """Each planner with what they planned, most units first."""
    by_planner = [(name, own) for name, own in row.planner_distribution.items() if isinstance(own, dict)]
    by_planner.sort(key=lambda item: (-item[1].get("unit_count", 0), item[0]))
    return [
        {
            "name": name,
            "units": number(own.get("unit_count", 0)),
            "feet": number(own.get("linear_ft", 0)),
            "acres": number(own.get("acres", 0)),
            "trees": number(own.get("trees", 0)),
        }
        for name, own in by_planner
    ]
