"""Five tenants in two waves, and a kill at 60 %: `python -m benchmarks servicetitan`."""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import requests

from benchmarks.environment import machine, use_defaults
from benchmarks.stores import Store, postgres_server, postgres_store, sqlite_store

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parent.parent
COMMAND = "servicetitan_process_scheduled_syncs"
TENANTS = 5
SLOTS = 3
PAGE = 500
KILLED_AT = 0.6
LEASE_SECONDS = 2.0
HEADINGS = ("database", "what", "syncs", "records", "seconds", "records/s", "most in flight")


class Vendor:
    """The simulator as a process; `latency` is the seconds that each page of a feed takes at least."""

    def __init__(self, url: str, records: int, latency: float) -> None:
        self._sim = f"{url}/servicetitan/_sim"
        half = {"customers": records // 2, "invoices": records - records // 2}
        self.post("seed", {**half, "tenants": TENANTS, "hostile": False})
        for number in range(TENANTS):
            for kind in half:
                self.post("records", {"kind": kind, "tenant": 900_001 + number, "records": []})
        if latency:
            fault = {"kind": "latency", "seconds": latency, "times": "forever", "match": {"path": "export/"}}
            self.post("faults", fault)

    def post(self, name: str, document: dict[str, Any]) -> Any:
        """Make a control call."""
        reply = requests.post(f"{self._sim}/{name}", json=document, timeout=300)
        reply.raise_for_status()
        return reply.json()

    def journal(self) -> dict[str, Any]:
        """What was asked."""
        found: dict[str, Any] = requests.get(f"{self._sim}/journal", timeout=60).json()
        return found

    def forget(self) -> None:
        """Begin a new journal."""
        requests.delete(f"{self._sim}/journal", timeout=60)

    def pages(self) -> list[tuple[str, str]]:
        """Path and token of each page that was asked for."""
        asked = [entry for entry in self.journal()["entries"] if "/export/" in entry["path"]]
        return [(entry["path"], entry["summary"]["query"].get("from", "")) for entry in asked]


def main(argv: Sequence[str] | None = None) -> int:
    """Measure and report: 0, or 1 when more than three were in flight or a page was fetched too often."""
    options = _options(argv)
    use_defaults()
    from operations.dev.processes import Children
    from operations.dev.signals import StopSignals
    from operations.dev.vendors import Sandbox
    from synclogs.commands.tables import table

    rows: list[dict[str, Any]] = []
    with (
        tempfile.TemporaryDirectory(prefix="syncplatform-bench-") as name,
        StopSignals() as signals,
        Children(Path(name) / "log", signals) as children,
    ):
        sandbox = Sandbox.start(children, Path(name) / "port", circuits=0)
        vendor = Vendor(sandbox.url, options.records, options.latency)
        for database in [options.only] if options.only else ("sqlite", "postgres"):
            with _new_stores(database, Path(name)) as new_store:
                rows += _measure(new_store, sandbox.url, vendor, options)
    on = machine()
    head = f"Python {on['python']}, {on['cpus']} CPUs; each page takes the vendor {options.latency:g} s"
    stream = sys.stderr if options.json else sys.stdout
    cells = [tuple(row[name] for name in HEADINGS) for row in rows]
    print(f"{head}\n\n{table(HEADINGS, cells)}", file=stream)
    wrong = [row["wrong"] for row in rows if row["wrong"]]
    for text in wrong:
        print(f"FAILED: {text}", file=stream)
    if options.json:
        print(json.dumps({"benchmark": "servicetitan", "machine": on, "runs": rows}))
    return 1 if wrong else 0


NewStore = Callable[[], AbstractContextManager[Store]]


@contextmanager
def _new_stores(database: str, directory: Path) -> Iterator[NewStore]:
    if database == "sqlite":
        yield partial(sqlite_store, directory)
        return
    with postgres_server(os.environ) as server:
        yield partial(postgres_store, server)


def _measure(
    new_store: NewStore, url: str, vendor: Vendor, options: argparse.Namespace
) -> Iterator[dict[str, Any]]:
    with new_store() as store:
        environ = _prepared(store, url, 1)
        yield _timed(store, vendor, environ, "one tenant", wanted=1)
    with new_store() as store:
        environ = _prepared(store, url, TENANTS)
        yield _timed(store, vendor, environ, f"{TENANTS} tenants, {SLOTS} at a time", wanted=SLOTS)
        yield _timed(store, vendor, environ, "the same, nothing new", wanted=SLOTS)
    with new_store() as store:
        yield _killed(store, vendor, _prepared(store, url, 1), options.records)


def _prepared(store: Store, url: str, credentials: int) -> dict[str, str]:
    """A new database with so many credentials; returns the environment of the measured processes."""
    from operations.dev.surroundings import child_environment, sandbox_environment

    variables = {**sandbox_environment(url), "DATABASE_URL": store.url, "LOG_LEVEL": "WARNING"}
    environ = child_environment({**variables, "JOB_LEASE_SECONDS": str(LEASE_SECONDS)})
    child = [sys.executable, "-m", "benchmarks.servicetitan_child", str(credentials)]
    subprocess.run(child, cwd=ROOT, env=environ, check=True)
    return environ


def _start(environ: dict[str, str]) -> subprocess.Popen[str]:
    command = [sys.executable, "manage.py", COMMAND, f"--max-concurrent={SLOTS}", "--json-output"]
    return subprocess.Popen(
        command, cwd=ROOT, env=environ, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )


def _timed(store: Store, vendor: Vendor, environ: dict[str, str], what: str, wanted: int) -> dict[str, Any]:
    vendor.forget()
    said = json.loads(_start(environ).communicate()[0])
    in_flight = vendor.journal()["max_in_flight"]
    wrong = f"{what}: {said['failed_syncs']} syncs failed" if said["failed_syncs"] else ""
    if in_flight != wanted and said["total_records_processed"]:
        wrong = f"{what}: {in_flight} requests were in flight, not {wanted}"
    return _row(store, what, said, said["execution_time_seconds"], in_flight, wrong)


def _killed(store: Store, vendor: Vendor, environ: dict[str, str], records: int) -> dict[str, Any]:
    """Kill a sync at 60 % of its pages, start it again, and count the pages that were fetched twice."""
    vendor.forget()
    total = 2 * -(-records // 2 // PAGE)
    process, began = _start(environ), time.monotonic()
    while len(vendor.pages()) < total * KILLED_AT:
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    time.sleep(LEASE_SECONDS + 0.5)
    said = json.loads(_start(environ).communicate()[0])
    seconds = time.monotonic() - began
    twice = Counter(path for (path, _), times in Counter(vendor.pages()).items() for _ in range(times - 1))
    again = sum(twice.values())
    wrong = "" if max(twice.values(), default=0) <= 1 else f"{again} pages were fetched twice: {dict(twice)}"
    if said["total_records_processed"] != records:
        wrong = f"{said['total_records_processed']} records after a kill, not {records}"
    what = f"killed at {KILLED_AT:.0%}: {again} of {total} pages fetched twice"
    return _row(store, what, said, seconds, vendor.journal()["max_in_flight"], wrong)


def _row(
    store: Store, what: str, said: dict[str, Any], seconds: float, in_flight: int, wrong: str
) -> dict[str, Any]:
    records = said["total_records_processed"]
    syncs = said["successful_syncs"]
    cells = (store.version, what, syncs, records, float(seconds), round(records / seconds), in_flight)
    return {**dict(zip(HEADINGS, cells, strict=True)), "wrong": wrong}


def _options(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks servicetitan",
        description="Five tenants, three at a time, and a sync that is killed at 60 %, over HTTP.",
    )
    parser.add_argument("--records", type=int, default=20_000, help="of each tenant (default: 20,000)")
    parser.add_argument("--latency", type=float, default=0.2, help="seconds a page takes (default: 0.2)")
    parser.add_argument("--only", choices=("sqlite", "postgres"), help="one database instead of both")
    parser.add_argument(
        "--json", action="store_true", help="print one JSON object on stdout; the table goes to stderr"
    )
    return parser.parse_args(argv)
