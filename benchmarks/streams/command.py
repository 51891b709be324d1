"""Pulling customers, the product beside its peers and beside the least that would do."""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from benchmarks.environment import machine, use_defaults
from benchmarks.streams.contenders import (
    ON_POSTGRES,
    ON_SQLITE,
    PEERS_ON_POSTGRES,
    Contender,
    Product,
    ProductFeed,
)
from benchmarks.streams.measure import ContenderFailed
from benchmarks.streams.rounds import RE_SYNC, STEPS, Measurement, Say, play, served

LATENCY_MS = 50.0


def main(argv: Sequence[str] | None = None) -> int:
    """Measure and report: 0, or 1 when a contender failed or its rows were wrong."""
    options = _options(argv)
    use_defaults()
    started = time.monotonic()

    def say(text: str) -> None:
        print(f"[{time.monotonic() - started:6.1f} s] {text}", file=sys.stderr, flush=True)

    measured: list[Measurement] = []
    try:
        for measurement in _measure(options, say):
            measured.append(measurement)
    except ContenderFailed as error:
        print(error, file=sys.stderr)
        return 1
    finally:
        if measured:
            _report(measured, options)
    return 0


def _report(measured: Sequence[Measurement], options: argparse.Namespace) -> None:
    from benchmarks.streams.report import table_text, verdicts

    stream = sys.stderr if options.json else sys.stdout
    print(f"\n{table_text(measured, machine())}", file=stream)
    if options.json:
        runs = [measurement.as_dict() for measurement in measured]
        print(
            json.dumps(
                {"benchmark": "streams", "machine": machine(), "verdicts": verdicts(measured), "runs": runs}
            )
        )


def _measure(options: argparse.Namespace, say: Say) -> Iterator[Measurement]:
    rows, rounds = options.rows, options.repeat
    say(f"vendor: making {rows:,} customers")
    with served(rows) as vendor, _databases(options.only) as databases:
        for database in databases:
            classes = ON_SQLITE if database.name == "sqlite" else ON_POSTGRES
            own = database.contenders(classes)
            yield from play(database.name, own, vendor, rows=rows, rounds=rounds, say=say)
            if database.name == "sqlite":
                continue
            if options.latency_rounds:
                late = {"rows": rows, "rounds": options.latency_rounds, "latency_ms": LATENCY_MS}
                slow = [*own, *database.contenders([ProductFeed])]
                yield from play("postgres, 50 ms", slow, vendor, say=say, steps=RE_SYNC, **late)
            if options.peers:
                peers = [*own, *database.contenders(PEERS_ON_POSTGRES)]
                yield from play(
                    "postgres, with peers",
                    peers,
                    vendor,
                    rows=rows,
                    rounds=options.peers,
                    say=say,
                    steps=STEPS[:3],
                )
            if options.memory_rows:
                yield from _memory(own, options.memory_rows, say)


def _memory(own: Sequence[Contender], rows: int, say: Say) -> Iterator[Measurement]:
    """Whether memory grows with the number of records."""
    say(f"vendor: making {rows:,} customers")
    product = [one for one in own if isinstance(one, Product)]
    with served(rows) as vendor:
        yield from play(
            f"postgres, {rows:,} rows", product, vendor, rows=rows, rounds=1, say=say, steps=RE_SYNC
        )


class Database:
    """One kind of database; each contender gets one of its own."""

    def __init__(self, name: str, server: str, directory: Path, stack: ExitStack) -> None:
        self.name = name
        self._server = server
        self._directory = directory
        self._stack = stack

    def contenders(self, classes: Sequence[type[Contender]]) -> list[Contender]:
        """These, each with tables."""
        from benchmarks.stores import postgres_store, sqlite_store

        made = []
        for cls in classes:
            store = sqlite_store(self._directory) if self.name == "sqlite" else postgres_store(self._server)
            contender = cls(self._stack.enter_context(store).url)
            contender.prepare()
            made.append(contender)
        return made


@contextmanager
def _databases(only: str | None) -> Iterator[list[Database]]:
    from benchmarks.stores import postgres_server

    with ExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="syncplatform-bench-")))
        found = []
        if only != "sqlite":
            server = stack.enter_context(postgres_server(os.environ))
            found.append(Database("postgres", server, directory, stack))
        if only != "postgres":
            found.append(Database("sqlite", "", directory, stack))
        yield found


def _options(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks streams",
        description="A first load and three re-syncs of customers: product, floor and peers.",
    )
    parser.add_argument("--rows", type=int, default=10_000, help="how many customers (default: 10,000)")
    parser.add_argument("--only", choices=("sqlite", "postgres"), help="one database instead of both")
    parser.add_argument("--repeat", type=int, default=1, help="rounds of product and floor (default: 1)")
    parser.add_argument(
        "--latency-rounds", type=int, default=1, help="rounds with 50 ms a request (default: 1)"
    )
    parser.add_argument(
        "--peers", type=int, default=0, help="rounds with dlt, Singer and a Django loop (default: none)"
    )
    parser.add_argument("--memory-rows", type=int, default=0, help="so many rows once more, for their memory")
    parser.add_argument(
        "--json", action="store_true", help="print one JSON object on stdout; the table goes to stderr"
    )
    return parser.parse_args(argv)
