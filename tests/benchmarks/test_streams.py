"""The benchmark of streams really runs, and does not believe what it is told."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from benchmarks.streams.contenders import Contender
from benchmarks.streams.measure import ContenderFailed, Cost
from benchmarks.streams.rounds import play, served
from benchmarks.streams.vendor import customer

ROOT = Path(__file__).resolve().parents[2]


def test_it_measures_the_product_beside_the_floor() -> None:
    command = [sys.executable, "-m", "benchmarks", "streams", "--rows", "1500", "--only", "sqlite", "--json"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=100, check=False)
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout.splitlines()[-1])
    runs = {(run["step"], run["contender"]): run for run in report["runs"]}
    assert len(runs) == 8
    assert {run["requests"] for run in runs.values()} == {2}
    assert runs["all changed", "product"]["checksum"] == runs["all changed", "floor"]["checksum"]
    assert runs["first load", "product"]["checksum"] != runs["1 % changed", "product"]["checksum"]
    assert all(run["peak_mb"] > 10 and run["cpu_seconds"] > 0 for run in runs.values())
    assert "of floor" in report["verdicts"][0]


class Liar(Contender):
    """Says that it is done."""

    name = "liar"

    def __init__(self, found: list[tuple[Any, ...]]) -> None:
        super().__init__("sqlite:///nowhere")
        self._found = found

    def empty(self) -> None:
        """There is nothing."""

    def pull(self, vendor: str) -> Cost:
        return Cost(0.1, 0.1, 1.0, "")

    def result(self) -> list[tuple[Any, ...]]:
        return self._found


def test_rows_that_are_missing_or_wrong_fail_it() -> None:
    right = [(one["id"], one["name"], one["balance"], one["active"]) for one in map(customer, range(1, 4))]
    steps = (("first load", 0.0),)
    with served(3) as vendor:
        for found in (right[:2], [*right[:2], (3, right[2][1], 0, True)]):
            with pytest.raises(ContenderFailed, match="not those that were served"):
                list(play("x", [Liar(found)], vendor, rows=3, rounds=1, say=lambda text: None, steps=steps))
        assert list(play("x", [Liar(right)], vendor, rows=3, rounds=1, say=lambda text: None, steps=steps))
