"""Rounds: every contender does every step, in turns, and its rows are checked after each."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import lru_cache
from typing import Any

import psycopg

from benchmarks.streams.contenders import Contender
from benchmarks.streams.measure import ROOT, ContenderFailed
from benchmarks.streams.vendor import customer

Say = Callable[[str], None]

STEPS = (("first load", 0.0), ("1 % changed", 1.0), ("nothing changed", 1.0), ("all changed", 100.0))
RE_SYNC = (STEPS[0], ("nothing changed", 0.0))


@dataclass(frozen=True, slots=True)
class Measurement:
    """One contender at one step of one round. Megabytes are of 10^6 bytes."""

    case: str
    step: str
    contender: str
    round: int
    rows: int
    seconds: float
    cpu_seconds: float
    peak_mb: float
    wal_mb: float | None
    requests: int
    checksum: str

    def as_dict(self) -> dict[str, Any]:
        """All of it in one mapping."""
        return asdict(self)


class ServedVendor:
    """The vendor's process and what it is told."""

    def __init__(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}"

    def choose(self, percent: float, latency_ms: float) -> None:
        """Serve with so many percent changed, so late."""
        self._get(f"/_set?changed={percent}&latency_ms={latency_ms}")

    def requests(self) -> int:
        """How many pages were asked for since the last choice."""
        return int(json.loads(self._get("/_state"))["requests"])

    def _get(self, path: str) -> bytes:
        with urllib.request.urlopen(self.url + path, timeout=120) as reply:
            body: bytes = reply.read()
            return body


@contextmanager
def served(rows: int) -> Iterator[ServedVendor]:
    """A vendor with so many customers."""
    command = [sys.executable, "-m", "benchmarks.streams.vendor", str(rows)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield ServedVendor(int(process.stdout.readline()))
        finally:
            process.terminate()


def play(
    case: str,
    contenders: Sequence[Contender],
    vendor: ServedVendor,
    *,
    rows: int,
    rounds: int,
    say: Say,
    steps: Sequence[tuple[str, float]] = STEPS,
    latency_ms: float = 0.0,
) -> Iterator[Measurement]:
    """Measure them all in turns. Raises ContenderFailed when rows are missing or wrong."""
    for number in range(1, rounds + 1):
        for contender in contenders:
            contender.empty()
        turns = list(contenders) if number % 2 else list(reversed(contenders))
        for step, percent in steps:
            for contender in turns:
                vendor.choose(percent, latency_ms)
                before = _wal(contender)
                cost = contender.pull(vendor.url)
                after = _wal(contender)
                seconds, taken = _scaled(contender, cost.seconds, cost.output, rows)
                say(f"{case}, round {number}, {step}: {contender.name} {seconds:.2f} s")
                yield Measurement(
                    case,
                    step,
                    contender.name,
                    number,
                    taken,
                    seconds,
                    cost.cpu_seconds,
                    cost.peak_mb,
                    None if before is None or after is None else (after - before) / 1e6,
                    vendor.requests(),
                    _checked(contender, step, percent, rows),
                )


def _scaled(contender: Contender, seconds: float, output: str, rows: int) -> tuple[float, int]:
    """The seconds that all rows would have taken, and how many were really taken."""
    if contender.rows is None:
        return seconds, rows
    told = json.loads(output.splitlines()[-1])
    taken = int(told["rows"])
    return seconds + told["seconds"] * (rows / taken - 1), taken


def _wal(contender: Contender) -> float | None:
    """How much the server has written ahead so far, after a checkpoint."""
    if contender.on_sqlite:
        return None
    with psycopg.connect(contender.url, autocommit=True) as connection:
        connection.execute("CHECKPOINT")
        row = connection.execute("SELECT pg_current_wal_lsn() - '0/0'").fetchone()
        return float(row[0]) if row else None


def _checked(contender: Contender, step: str, percent: float, rows: int) -> str:
    """The checksum of what stands in the table. Raises ContenderFailed when it is not what was served."""
    expected = _expected(min(rows, contender.rows or rows), percent)
    found = _digest(
        f"{key}|{name}|{float(balance):.2f}|{bool(active)}"
        for key, name, balance, active in contender.result()
    )
    if found != expected:
        raise ContenderFailed(
            f"{contender.name}, {step}: the rows in the table are not those that were served"
        )
    return found


@lru_cache(maxsize=16)
def _expected(rows: int, percent: float) -> str:
    step = round(100 / percent) if percent else 0
    customers = (customer(n, changed=bool(step) and (n - 1) % step == 0) for n in range(1, rows + 1))
    return _digest(f"{one['id']}|{one['name']}|{one['balance']:.2f}|{one['active']}" for one in customers)


def _digest(lines: Iterator[str]) -> str:
    """The number of lines and the beginning of their hash."""
    digest, count = hashlib.sha256(), 0
    for line in lines:
        digest.update(line.encode() + b"\n")
        count += 1
    return f"{count}:{digest.hexdigest()[:16]}"
