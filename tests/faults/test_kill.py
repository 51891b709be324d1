"""Every fault on this environment's database, with each broker that can be used on it."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from django.db import connection

from tests.faults.installation import Installation
from tests.faults.scenario import Outcome, run_fault
from tests.faults.strikes import BUSY, IDLE, Strike

pytestmark = pytest.mark.kill

TABLE = "FAULT_TABLE"


def _noted(outcome: Outcome) -> None:
    """Keeps the outcome where `python -m tests.faults.table` looks for it."""
    if path := os.environ.get(TABLE):
        with Path(path).open("a") as table:
            table.write(json.dumps(outcome.as_dict()) + "\n")


@pytest.mark.timeout(150)
@pytest.mark.parametrize(("name", "strike"), IDLE.items(), ids=[name.replace(" ", "_") for name in IDLE])
def test_a_fault_while_nothing_runs(ours: Installation, name: str, strike: Strike) -> None:
    outcome = run_fault(ours, name, connection.vendor, strike, idle=True)
    _noted(outcome)
    assert (outcome.lost, outcome.doubled, outcome.problems) == (0, 0, [])


@pytest.mark.timeout(150)
@pytest.mark.parametrize(("name", "strike"), BUSY.items(), ids=[name.replace(" ", "_") for name in BUSY])
def test_a_fault_while_work_is_in_flight(ours: Installation, name: str, strike: Strike) -> None:
    outcome = run_fault(ours, name, connection.vendor, strike)
    _noted(outcome)
    assert (outcome.lost, outcome.doubled, outcome.problems) == (0, 0, [])
