"""A delivery of 20,000 metric points: `python -m benchmarks health`."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from benchmarks.environment import machine, use_defaults
from benchmarks.stores import postgres_server, postgres_store, sqlite_store

ROOT = Path(__file__).resolve().parent.parent
STEPS = ("first", "again", "corrected")
COLUMNS = {
    "database": "database",
    "step": "delivery",
    "points": "points",
    "body_mb": "body MB",
    "door_s": "door s",
    "split_s": "split s",
    "chunks": "chunks",
    "rows_s": "rows s",
    "seconds": "in all s",
    "peak_mb": "peak MB",
    "before_mb": "of it before",
    "created": "created",
    "updated": "updated",
    "unchanged": "unchanged",
    "skipped": "skipped",
}
NOTES = """\
One process receives a delivery, takes it apart and processes its chunks one after the other, as one worker
would. door: until it is acknowledged. split: the hook job. rows: the processing jobs. first: all points are
new. again: the same points, written differently. corrected: every tenth point has another value. peak MB: the
most memory that the process had resident; of it before: what Python, Django and the product had taken."""


def main(argv: Sequence[str] | None = None) -> int:
    """Measure and report: 0, or 1 when a count is wrong."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks health", description=__doc__)
    parser.add_argument("--points", type=int, default=20_000, help="how many (default: 20,000)")
    parser.add_argument("--only", choices=("sqlite", "postgres"), help="only this database")
    parser.add_argument("--json", action="store_true", help="print one JSON object; the table goes to stderr")
    options = parser.parse_args(argv)
    use_defaults()
    entries: list[dict[str, Any]] = []
    with ExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="syncplatform-bench-")))
        if options.only != "postgres":
            entries += _measure(stack.enter_context(sqlite_store(directory)), options.points)
        if options.only != "sqlite":
            server = stack.enter_context(postgres_server(os.environ))
            entries += _measure(stack.enter_context(postgres_store(server)), options.points)
    ok = all(entry["right"] for entry in entries)
    print(_text(entries), file=sys.stderr if options.json else sys.stdout)
    if options.json:
        print(json.dumps({"benchmark": "health", "ok": ok, "machine": machine(), "deliveries": entries}))
    return 0 if ok else 1


def _measure(store: Any, points: int) -> list[dict[str, Any]]:
    """Each delivery in a process of its own, on the same database."""
    environ = {**os.environ, "DATABASE_URL": store.url, "SYNCPLATFORM_ENV_FILE": "none", "LOG_LEVEL": "ERROR"}
    found = []
    for step in STEPS:
        command = [sys.executable, "-m", "benchmarks.health_child", step, str(points)]
        done = subprocess.run(command, cwd=ROOT, env=environ, stdout=subprocess.PIPE, check=True)
        found.append({"database": store.version, **json.loads(done.stdout)})
        print(json.dumps(found[-1]), file=sys.stderr, flush=True)
    return found


def _text(entries: Sequence[dict[str, Any]]) -> str:
    from synclogs.commands.tables import table

    rows = [tuple(entry[column] for column in COLUMNS) for entry in entries]
    return f"\n{table(tuple(COLUMNS.values()), rows)}\n\n{NOTES}"


if __name__ == "__main__":
    sys.exit(main())
