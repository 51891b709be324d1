"""The kill table: `python -m tests.faults.table [--only sqlite|postgres] [--json]`.

Runs the suite that kills processes and prints what became of the jobs around each fault.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent.parent
HEADINGS = ("fault", "database", "broker", "jobs", "lost", "doubled", "next start s", "all done s")
NOTES = """\
lost: jobs not ended, and effects missing. doubled: effects done more than once. next start: seconds from the
fault to the next start of a job, with the start of new processes where they are needed; all done: until every
job had ended. Leases of 2 s, heartbeat limit 3 s, two workers."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run and report; 0 when every fault left nothing lost and nothing doubled."""
    options = _options(argv)
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "table"
        command = [sys.executable, "-m", "scripts.run_tests", "--kill", "--require-kill"]
        command += ["--only", options.only] if options.only else []
        command += ["--", "tests/faults/test_kill.py"]
        environ = {**os.environ, "FAULT_TABLE": str(path)}
        code = subprocess.run(command, cwd=ROOT, env=environ, stdout=sys.stderr, check=False).returncode
        rows = _sorted(json.loads(line) for line in path.read_text().splitlines()) if path.exists() else []
    ok = code == 0 and bool(rows) and all(row["lost"] == row["doubled"] == 0 for row in rows)
    if options.json:
        print(json.dumps({"ok": ok, "faults": rows}))
    else:
        print(text(rows))
    return 0 if ok else 1


def _sorted(rows: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """By fault, as they were first tried, and by setup: the setups are tried side by side."""
    rows = list(rows)
    faults = list(dict.fromkeys(row["fault"] for row in rows))
    return sorted(rows, key=lambda row: (faults.index(row["fault"]), row["database"], row["broker"]))


def _options(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.faults.table", description=__doc__)
    parser.add_argument("--only", choices=("sqlite", "postgres"), help="one database instead of both")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    return parser.parse_args(argv)


def text(rows: Sequence[dict[str, Any]]) -> str:
    """The table and what its columns mean."""
    columns = ("fault", "database", "broker", "jobs", "lost", "doubled", "recovered", "seconds")
    lines = [HEADINGS, *(tuple(str(row[column]) for column in columns) for row in rows)]
    widths = [max(map(len, cells)) for cells in zip(*lines, strict=True)]
    shown = [
        "  ".join(
            cell.ljust(width) if column < 3 else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(line, widths, strict=True))
        )
        for line in lines
    ]
    return "\n".join([*shown, "", NOTES])


if __name__ == "__main__":
    sys.exit(main())
