"""The servers themselves are killed while work is in flight."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from tests.faults.installation import ROOT


@pytest.mark.kill
@pytest.mark.timeout(300)
@pytest.mark.skipif(
    not os.environ.get("DATABASE_URL", "").startswith("postgres"), reason="once is enough: beside PostgreSQL"
)
def test_killed_servers_and_processes_lose_nothing_and_double_nothing() -> None:
    command = [sys.executable, "-m", "tests.faults.servers", "--jobs", "500", "--json"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    result = json.loads(done.stdout.splitlines()[-1])
    assert (result["lost"], result["doubled"], result["not_succeeded"]) == (0, 0, 0)
    assert set(result["struck_after_s"]) == {"worker", "redis", "cluster", "postgresql"}
