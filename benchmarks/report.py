"""What was measured: a table of medians for people, everything for machines."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from statistics import median
from typing import Any

from benchmarks.circuits import RUNS, Measurement
from synclogs.commands.tables import table

HEADINGS = (
    "database",
    "run",
    "records",
    "seconds",
    "CPU s",
    "records/s",
    "peak MB",
    "of it before",
    "queries",
    "rows written",
    "created",
    "updated",
    "unchanged",
    "failed",
)
NOTES = """\
Each run is a process of its own that gets the circuits over HTTP from the sandbox, on the same machine.
seconds: the sync alone, without starting Python. CPU s: what its process computed of that; the rest is
waiting for the sandbox and the database. peak MB: the most memory that the process had resident. of it
before: what Python, Django and the product had taken when the sync began. queries: statements that were
sent; an executemany and a COPY count as one. rows written: rows inserted, updated or deleted in the circuit
tables, counted by PostgreSQL's statistics, and by triggers on SQLite, which cost it a little time."""


def summarize(measurements: Sequence[Measurement]) -> list[dict[str, Any]]:
    """One entry a database and run, its figures the medians over the repetitions."""
    entries = []
    order = sorted(measurements, key=lambda m: (m.database != "sqlite", RUNS.index(m.run)))
    for (database, run), group in groupby(order, key=lambda m: (m.database, m.run)):
        all_of_it = [measurement.as_dict() for measurement in group]
        entry = {"database": database, "run": run, "version": all_of_it[0]["version"]}
        for name, value in all_of_it[0].items():
            if isinstance(value, int | float) and name != "repetition":
                entry[name] = median(other[name] for other in all_of_it)
        entries.append(entry)
    return entries


def text(entries: Sequence[dict[str, Any]], machine: dict[str, Any], repeat: int) -> str:
    """The table and what its columns mean."""
    rows = [
        (
            entry["version"],
            entry["run"],
            int(entry["processed"]),
            float(entry["seconds"]),
            float(entry["cpu_seconds"]),
            int(entry["records_per_second"]),
            int(entry["peak_mb"]),
            int(entry["before_mb"]),
            int(entry["queries"]),
            int(entry["rows_written"]),
            *(int(entry[name]) for name in ("created", "updated", "unchanged", "failed")),
        )
        for entry in entries
    ]
    on = (
        f"Python {machine['python']}, Django {machine['django']}, {machine['cpus']} CPUs, {machine['system']}"
    )
    times = f"; medians of {repeat} repetitions" if repeat > 1 else ""
    return f"{on}{times}\n\n{table(HEADINGS, rows)}\n\n{NOTES}"
