"""Jobs a second, beside plain django-q2 with the same broker: `python -m benchmarks queue`."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.environment import machine, use_defaults
from benchmarks.stores import Store, postgres_store, sqlite_store
from scripts.testing.databases import servers

ROOT = Path(__file__).resolve().parent.parent
SETUPS = ("sqlite+orm", "postgres+orm", "postgres+redis")
TARGET = 0.8
HEADINGS = (
    "setup",
    "plain/s",
    "rows/s",
    "short/s",
    "of plain",
    "of rows",
    "single/s",
    "of plain",
    "plain ms",
    "short ms",
    "single ms",
    "lost",
    "doubled",
)
NOTES = """\
All are enqueued before two workers start; jobs/s is from the first to the last of them. plain: django-q2's
async_task with the same broker. rows: the same, with a row kept of each result. short: jobs of a short class,
twenty claimed a delivery. single: one job a delivery. A job has a row, an attempt, a lease and a fenced end.
ms: processor time a job of all worker processes, with their start. The target is against plain."""


def main(argv: Sequence[str] | None = None) -> int:
    """Measure and report: 0, or 1 when something was lost or doubled, or short jobs are below the target."""
    options = _options(argv)
    use_defaults()
    entries = []
    with ExitStack() as stack:
        for setup in options.only or SETUPS:
            entries.append(_measure(stack, setup, options))
    ok = all(
        entry["lost"] == entry["doubled"] == 0 and entry["short_of_plain"] >= TARGET for entry in entries
    )
    print(_table(entries), file=sys.stderr if options.json else sys.stdout)
    if options.json:
        print(json.dumps({"benchmark": "queue", "ok": ok, "machine": machine(), "setups": entries}))
    return 0 if ok else 1


def _options(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks queue", description=__doc__)
    parser.add_argument("--jobs", type=int, default=10_000, help="how many (default: 10,000)")
    parser.add_argument("--single-jobs", type=int, default=2_000, help="how many with one a delivery")
    parser.add_argument("--only", action="append", choices=SETUPS, help="only this setup; may be repeated")
    parser.add_argument("--repeat", type=int, default=1, help="how often; medians are shown (default: 1)")
    parser.add_argument("--json", action="store_true", help="print one JSON object; the table goes to stderr")
    return parser.parse_args(argv)


def _measure(stack: ExitStack, setup: str, options: argparse.Namespace) -> dict[str, Any]:
    """One setup: the kinds take turns, so that a busy machine is unfair to none of them."""
    kinds = {
        "plain": options.jobs,
        "rows": options.jobs,
        "short": options.jobs,
        "single": options.single_jobs,
    }
    measured: dict[str, list[dict[str, Any]]] = {kind: [] for kind in kinds}
    for repetition in range(options.repeat):
        for environ in _environs(setup):
            _child(environ, "prepare")
            for kind, count in kinds.items():
                result = _child(environ, kind, str(count))
                measured[kind].append(result)
                print(f"{setup} {repetition + 1}: {json.dumps(result)}", file=sys.stderr, flush=True)
    rates = {
        kind: median(result["jobs_per_second"] for result in results) for kind, results in measured.items()
    }
    everything = [result for results in measured.values() for result in results]
    return {
        "setup": setup,
        **{f"{kind}_per_second": round(rate) for kind, rate in rates.items()},
        **{
            f"{kind}_cpu_ms": median(result["cpu_ms_per_job"] for result in results)
            for kind, results in measured.items()
        },
        "short_of_plain": round(rates["short"] / rates["plain"], 2),
        "short_of_rows": round(rates["short"] / rates["rows"], 2),
        "single_of_plain": round(rates["single"] / rates["plain"], 2),
        "lost": sum(result["lost"] + result["not_succeeded"] for result in everything),
        "doubled": sum(result["doubled"] for result in everything),
        "runs": everything,
    }


def _environs(setup: str) -> Iterator[dict[str, str]]:
    """The environment of one measurement on a new database; empties both afterwards."""
    database, broker = setup.split("+")
    common = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "benchmarks.noop.settings",
        "SYNCPLATFORM_ENV_FILE": "none",
        "QUEUE_BROKER": broker,
        "QUEUE_WORKERS_PROCESS": "2",
        "LOG_LEVEL": "WARNING",
    }
    with ExitStack() as stack:
        if database == "sqlite":
            directory = stack.enter_context(tempfile.TemporaryDirectory(prefix="syncplatform-bench-"))
            store: Store = stack.enter_context(sqlite_store(Path(directory)))
            yield {**common, "DATABASE_URL": store.url}
            return
        found = stack.enter_context(servers(os.environ, 1, own=False))
        server = f"{found.database_url.rpartition('/')[0]}/postgres"
        store = stack.enter_context(postgres_store(server))
        yield {**common, "DATABASE_URL": store.url, "REDIS_URL": found.redis_urls[0]}


def _child(environ: dict[str, str], *arguments: str) -> dict[str, Any]:
    command = [sys.executable, "-m", "benchmarks.queue_child", *arguments]
    done = subprocess.run(command, cwd=ROOT, env=environ, stdout=subprocess.PIPE, check=True)
    result: dict[str, Any] = json.loads(done.stdout)
    return result


def _table(entries: Sequence[dict[str, Any]]) -> str:
    rows = [
        (
            entry["setup"],
            str(entry["plain_per_second"]),
            str(entry["rows_per_second"]),
            str(entry["short_per_second"]),
            f"{entry['short_of_plain']:.2f}",
            f"{entry['short_of_rows']:.2f}",
            str(entry["single_per_second"]),
            f"{entry['single_of_plain']:.2f}",
            *(f"{entry[f'{kind}_cpu_ms']:.2f}" for kind in ("plain", "short", "single")),
            str(entry["lost"]),
            str(entry["doubled"]),
        )
        for entry in entries
    ]
    widths = [max(len(row[column]) for row in (HEADINGS, *rows)) for column in range(len(HEADINGS))]
    lines = [
        "  ".join(
            cell.ljust(width) if not column else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        for row in (HEADINGS, *rows)
    ]
    return "\n".join(["", *lines, "", NOTES])


if __name__ == "__main__":
    sys.exit(main())
