"""The benchmark `circuits`: a first load, a second run without changes, a third after 1 % was edited."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.stores import Store, Writes, postgres_server, postgres_store, sqlite_store
from operations.dev.processes import Children
from operations.dev.signals import StopSignals
from operations.dev.surroundings import child_environment, sandbox_environment
from operations.dev.vendors import Sandbox

DATABASES = ("sqlite", "postgres")
RUNS = ("first load", "unchanged", "1 % edited")
EDITED_PERCENT = 1.0
ROOT = Path(__file__).resolve().parent.parent

Say = Callable[[str], None]


class BenchmarkFailed(Exception):
    """A measured process failed; the text holds the end of its log."""


@dataclass(frozen=True, slots=True)
class Measurement:
    """One measured run. `rows_written` counts rows of circuit tables, `sightings` unlinked planners."""

    database: str
    version: str
    run: str
    repetition: int
    rows_written: int
    sightings: int
    figures: dict[str, Any]

    def as_dict(self) -> dict[str, Any]:
        """All of it in one mapping."""
        own = {name: getattr(self, name) for name in ("database", "version", "run", "repetition")}
        return {**own, **self.figures, "rows_written": self.rows_written, "sightings": self.sightings}


def measure(
    *, circuits: int, databases: Sequence[str], repeat: int, say: Say, signals: StopSignals
) -> Iterator[Measurement]:
    """Measure on each database, each repetition in a new one. Raises BenchmarkFailed."""
    with tempfile.TemporaryDirectory(prefix="syncplatform-bench-") as name:
        directory = Path(name)
        with Children(directory / "log", signals) as children:
            say(f"sandbox: generating {circuits:,} circuits")
            sandbox = Sandbox.start(children, directory / "port", circuits=circuits)
            for database in databases:
                with _new_stores(database, directory) as new_store:
                    for repetition in range(1, repeat + 1):
                        sandbox.seed(circuits)
                        with new_store() as store:
                            yield from _measure_one(store, sandbox, repetition, say)


@contextmanager
def _new_stores(database: str, directory: Path) -> Iterator[Callable[[], AbstractContextManager[Store]]]:
    if database == "sqlite":
        yield partial(sqlite_store, directory)
        return
    with postgres_server(os.environ) as server:
        yield partial(postgres_store, server)


def _measure_one(store: Store, sandbox: Sandbox, repetition: int, say: Say) -> Iterator[Measurement]:
    environ = child_environment({**sandbox_environment(sandbox.url), "DATABASE_URL": store.url})
    say(f"{store.version}: preparing a database")
    tables = _child("prepare", environ)
    sightings = tables["sightings_table"]
    store.start_counting([*tables["circuit_tables"], sightings])
    before = store.writes()
    for run in RUNS:
        if run == RUNS[-1]:
            sandbox.touch_circuits(EDITED_PERCENT)
        say(f"{store.version}: {run}")
        figures = _child("sync", environ)
        after = store.writes()
        written = _difference(before, after)
        before = after
        yield Measurement(
            store.name,
            store.version,
            run,
            repetition,
            sum(count for table, count in written.items() if table != sightings),
            written.get(sightings, 0),
            {**figures, "writes": written},
        )


def _difference(before: Writes, after: Writes) -> Writes:
    return {table: after[table] - before.get(table, 0) for table in sorted(after)}


def _child(task: str, environ: dict[str, str]) -> dict[str, Any]:
    """Run one task in a process of its own and return what it prints."""
    command = [sys.executable, "-m", "benchmarks.child", task]
    done = subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True, check=False)
    if done.returncode:
        raise BenchmarkFailed(f"{task} failed:\n{done.stderr[-3000:]}")
    result: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    if result.get("status") == "failed":
        raise BenchmarkFailed(f"the sync failed: {result['error_message']}")
    return result
