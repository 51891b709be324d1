"""Circuits from a sandbox process over HTTP, on each database: `python -m benchmarks circuits`."""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

from benchmarks.environment import machine, use_defaults

if TYPE_CHECKING:
    from benchmarks.circuits import Measurement


def main(argv: Sequence[str] | None = None) -> int:
    """Measure and report: 0, or 1 when a run failed or an unchanged run wrote rows, or 128 + a signal."""
    options = _options(argv)
    use_defaults()
    from benchmarks.circuits import DATABASES, BenchmarkFailed, measure
    from operations.dev.signals import StopRequested, StopSignals

    databases = [options.only] if options.only else DATABASES
    started = time.monotonic()

    def say(text: str) -> None:
        print(f"[{time.monotonic() - started:6.1f} s] {text}", file=sys.stderr, flush=True)

    try:
        with StopSignals() as signals:
            measured = list(
                measure(
                    circuits=options.circuits,
                    databases=databases,
                    repeat=options.repeat,
                    say=say,
                    signals=signals,
                )
            )
    except StopRequested as stop:
        return stop.exit_code
    except BenchmarkFailed as error:
        print(error, file=sys.stderr)
        return 1
    return _report(measured, options)


def _report(measured: list[Measurement], options: argparse.Namespace) -> int:
    from benchmarks import report

    entries = report.summarize(measured)
    stream = sys.stderr if options.json else sys.stdout
    print(f"\n{report.text(entries, machine(), options.repeat)}", file=stream)
    idle_writes = [entry for entry in entries if entry["run"] == "unchanged" and entry["rows_written"]]
    for entry in idle_writes:
        print(f"FAILED: the unchanged run on {entry['version']} wrote rows of circuit tables.", file=stream)
    if options.json:
        runs = [measurement.as_dict() for measurement in measured]
        print(json.dumps({"benchmark": "circuits", "machine": machine(), "summary": entries, "runs": runs}))
    return 1 if idle_writes else 0


def _options(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks circuits",
        description="A first load, a run without changes and one after 1 % was edited, over HTTP.",
    )
    parser.add_argument("--circuits", type=int, default=10_000, help="how many (default: 10,000)")
    parser.add_argument("--only", choices=("sqlite", "postgres"), help="one database instead of both")
    parser.add_argument("--repeat", type=int, default=1, help="how often; medians are shown (default: 1)")
    parser.add_argument(
        "--json", action="store_true", help="print one JSON object on stdout; the table goes to stderr"
    )
    return parser.parse_args(argv)
