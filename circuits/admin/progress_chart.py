"""A circuit's progress over time as small charts, drawn on the server from its snapshots."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from circuits.models import Circuit
from synclogs.admin.words import counted, number

WIDTH, HEIGHT = 520, 190
LEFT, RIGHT, TOP, BOTTOM = 40, 14, 14, 24
MOST_POINTS = 180
SHOWN_ROWS = 10


@dataclass(frozen=True, slots=True)
class Day:
    """How a circuit stood on a day."""

    date: date
    percent: float
    miles: float


def progress(circuit: Circuit) -> dict[str, Any] | None:
    """The two charts of a circuit and its last days in numbers; None without a snapshot. One query."""
    days = days_of(circuit)
    if not days:
        return None
    top = max(float(circuit.total_miles), *(day.miles for day in days), 1.0)
    return {
        "charts": [
            _chart("percent", "Percent complete", days, [day.percent for day in days], 100.0, "%"),
            _chart("miles", "Miles planned", days, [day.miles for day in days], top, " mi"),
        ],
        "total": counted(len(days), "day"),
        "rows": [
            {"date": _named(day.date), "percent": f"{day.percent:.0f}%", "miles": number(day.miles)}
            for day in reversed(days[-SHOWN_ROWS:])
        ],
    }


def days_of(circuit: Circuit) -> list[Day]:
    """The days of which there is a snapshot, oldest first; the last one taken on a day counts."""
    rows = circuit.snapshots.order_by("snapshot_date", "created_at", "pk")
    columns = rows.values_list("snapshot_date", "percent_complete", "miles_planned")
    by_date = {on: Day(on, float(percent), float(miles)) for on, percent, miles in columns}
    return thinned(list(by_date.values()))


def thinned(days: list[Day]) -> list[Day]:
    """At most so many days, evenly spread, the first and the last among them."""
    if len(days) <= MOST_POINTS:
        return days
    step = (len(days) - 1) / (MOST_POINTS - 1)
    return [days[round(index * step)] for index in range(MOST_POINTS)]


def _chart(
    name: str, title: str, days: Sequence[Day], values: Sequence[float], top: float, unit: str
) -> dict[str, Any]:
    """What the template needs to draw one series; coordinates are text, so that no locale changes them."""
    first, last = days[0].date, days[-1].date
    points = [(_x(day.date, first, last), _y(value, top)) for day, value in zip(days, values, strict=True)]
    line = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    floor = HEIGHT - BOTTOM
    began, now = f"{number(values[0])}{unit}", f"{number(values[-1])}{unit}"
    over = f"from {began} on {_named(first)} to {now} on {_named(last)}"
    desc = f"{title} {over}." if len(days) > 1 else f"{title} {now} on {_named(last)}."
    return {
        "name": name,
        "title": title,
        "desc": desc,
        "now": now,
        "line": line,
        "area": f"{points[0][0]:.1f},{floor} {line} {points[-1][0]:.1f},{floor}" if len(days) > 1 else "",
        "dot": {"x": f"{points[-1][0]:.1f}", "y": f"{points[-1][1]:.1f}"},
        "grid": [
            {"y": f"{_y(top * part, top):.1f}", "text": f"{top * part:,.0f}{unit if part else ''}"}
            for part in (0, 0.5, 1)
        ],
        "first": _named(first) if len(days) > 1 else "",
        "last": _named(last),
        "spots": [
            {"x": f"{x:.1f}", "y": f"{y:.1f}", "text": f"{_named(day.date)}: {number(value)}{unit}"}
            for (x, y), day, value in zip(points, days, values, strict=True)
        ],
        "size": {"width": WIDTH, "height": HEIGHT, "left": LEFT, "right": WIDTH - RIGHT, "base": HEIGHT - 6},
    }


def _x(day: date, first: date, last: date) -> float:
    span = (last - first).days
    part = (day - first).days / span if span else 1.0
    return LEFT + part * (WIDTH - LEFT - RIGHT)


def _y(value: float, top: float) -> float:
    part = min(1.0, max(0.0, value / top))
    return TOP + (1 - part) * (HEIGHT - TOP - BOTTOM)


def _named(day: date) -> str:
    return f"{day:%b} {day.day}, {day:%Y}"
