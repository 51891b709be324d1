"""What was measured: medians for people, ratios to hold against the targets."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median
from typing import Any

from benchmarks.streams.rounds import Measurement
from synclogs.commands.tables import table

HEADINGS = (
    "case",
    "step",
    "who",
    "seconds",
    "x floor",
    "CPU s",
    "x floor",
    "peak MB",
    "WAL MB",
    "requests",
    "rows",
)
NOTES = """\
Each figure is the median over the rounds of a case; in a round the contenders take turns, step by step.
seconds: from the start of the process to its end. CPU s: of it and all that it started, without the database
server. peak MB: the most memory that they had together. WAL MB: what the PostgreSQL server wrote ahead
meanwhile, all of it, so that others who use the server are in it. The Django loop takes 2,000 rows and its
seconds are scaled up. After each step the rows in the table were compared with those that were served."""

Group = tuple[str, str, str]


def medians(measured: Sequence[Measurement]) -> dict[Group, dict[str, float]]:
    """The medians of each case, step and contender, in the order in which they came."""
    groups: dict[Group, list[Measurement]] = {}
    for one in measured:
        groups.setdefault((one.case, one.step, one.contender), []).append(one)
    names = ("seconds", "cpu_seconds", "peak_mb", "wal_mb", "requests", "rows")
    return {
        group: {
            name: median([getattr(one, name) for one in ones])
            for name in names
            if all(getattr(one, name) is not None for one in ones)
        }
        for group, ones in groups.items()
    }


def table_text(measured: Sequence[Measurement], machine: dict[str, Any]) -> str:
    """The table and what its columns mean."""
    figures = medians(measured)
    rows = []
    for (case, step, who), row in figures.items():
        floor = figures.get((case, step, "floor"), row)
        rows.append(
            (
                case,
                step,
                who,
                f"{row['seconds']:.2f}",
                f"{row['seconds'] / floor['seconds']:.2f}",
                f"{row['cpu_seconds']:.2f}",
                f"{row['cpu_seconds'] / floor['cpu_seconds']:.2f}",
                f"{row['peak_mb']:.0f}",
                f"{row['wal_mb']:.1f}" if "wal_mb" in row else "-",
                int(row["requests"]),
                int(row["rows"]),
            )
        )
    on = (
        f"Python {machine['python']}, Django {machine['django']}, {machine['cpus']} CPUs, {machine['system']}"
    )
    return f"{on}\n\n{table(HEADINGS, rows)}\n\n{NOTES}"


def verdicts(measured: Sequence[Measurement]) -> list[dict[str, Any]]:
    """The product's ratio to each other contender of the same case and step."""
    figures = medians(measured)
    found = []
    for (case, step, who), row in figures.items():
        others = {o: f for (c, s, o), f in figures.items() if (c, s) == (case, step) and o != who}
        if who.startswith("product"):
            ratios = {f"of {o}": round(row["seconds"] / f["seconds"], 3) for o, f in others.items()}
            found.append({"case": case, "step": step, "who": who, **ratios, **row})
    return found
