"""Runs one suite with pytest and counts its outcome."""

import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO
from xml.etree import ElementTree

ROOT = Path(__file__).resolve().parent.parent.parent
NO_TESTS = 5
MARKS = {"default": "not browser and not kill", "kill": "kill", "browser": "browser"}


@dataclass(frozen=True)
class Result:
    """How one suite ended on one database; `note` says what the numbers do not."""

    suite: str
    database: str
    passed: int = 0
    failed: int = 0
    skipped: int = 0
    seconds: float = 0.0
    ok: bool = True
    note: str = ""


@dataclass(frozen=True)
class Suite:
    """One suite to run.

    Attributes:
        name: default, kill or browser.
        database: sqlite or postgres.
        environ: The whole environment of pytest.
        workers: How many xdist workers; 0 runs in one process.
        arguments: Further arguments of pytest.
        required: Whether it fails when it has no tests.
    """

    name: str
    database: str
    environ: Mapping[str, str]
    workers: int = 0
    arguments: Sequence[str] = ()
    required: bool = False

    def run(self, output: IO[bytes] | None = None) -> Result:
        """Runs the suite; what pytest prints goes to `output`, or else to standard output."""
        with tempfile.TemporaryDirectory() as directory:
            report = Path(directory) / "report.xml"
            command = [sys.executable, "-m", "pytest", "-m", MARKS[self.name], f"--junitxml={report}"]
            command += ["-n", str(self.workers)] if self.workers > 1 else []
            command += self.arguments
            started = time.monotonic()
            done = subprocess.run(
                command, cwd=ROOT, env=self.environ, stdout=output, stderr=output, check=False
            )
            code = done.returncode
            return self._result(code, report, time.monotonic() - started)

    def _result(self, code: int, report: Path, seconds: float) -> Result:
        if code == NO_TESTS:
            return Result(self.name, self.database, ok=not self.required, note="no tests yet")
        passed, failed, skipped = count(report)
        note = f"pytest ended with exit code {code}" if code and not failed else ""
        return Result(self.name, self.database, passed, failed, skipped, seconds, code == 0, note)


def count(report: Path) -> tuple[int, int, int]:
    """Tests passed, failed (or broken) and skipped, of a JUnit report; zeros when there is none."""
    if not report.exists():
        return 0, 0, 0
    suites = ElementTree.parse(report).getroot().iter("testsuite")  # noqa: S314 (pytest wrote it)
    totals = dict.fromkeys(("tests", "failures", "errors", "skipped"), 0)
    for suite in suites:
        for key in totals:
            totals[key] += int(suite.get(key, 0))
    failed = totals["failures"] + totals["errors"]
    return totals["tests"] - failed - totals["skipped"], failed, totals["skipped"]
