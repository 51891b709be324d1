"""Signed webhooks a second under gunicorn, beside a reference endpoint: `python -m benchmarks webhooks`."""

from __future__ import annotations

import argparse
import json
import os
import secrets
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any

import psycopg

from benchmarks.environment import machine, use_defaults
from benchmarks.hooks.reference import TABLES
from benchmarks.stores import postgres_server, postgres_store

ROOT = Path(__file__).resolve().parent.parent
MUST = 0.7
WARM_UP_SECONDS = "1"
START_SECONDS = 60.0
REFERENCES = {
    "reference, sync": ("--workers", "2"),
    "reference, gthread": ("--workers", "2", "--threads", "4"),
}
PRODUCT = "syncplatform"
HEADINGS = ("server", "deliveries/s", "p50 ms", "p99 ms", "slowest ms", "errors", "of this")
NOTES = """\
Each delivery is signed (HMAC-SHA256) and about 700 bytes long; connections are kept where the server keeps
them, and each awaits its answer before the next delivery. The load generator and PostgreSQL run on the same
machine. reference: a Django view without any middleware that checks the HMAC and inserts two rows in one
transaction, two gunicorn workers. of this: the product's deliveries a second over those of the row; the
target is against the better reference. Afterwards every acknowledged delivery must be stored with its job."""


def main(argv: Sequence[str] | None = None) -> int:
    """Measure and report: 0, or 1 below the target, after an error, or when something was not stored."""
    options = _options(argv)
    use_defaults()
    with postgres_server(os.environ) as server, postgres_store(server) as store:
        environ = _environ(store.url)
        key = json.loads(_python(environ, "-m", "benchmarks.hooks.prepare"))["key"]
        with psycopg.connect(store.url) as connection:
            connection.execute(TABLES)
        rounds: dict[str, list[dict[str, Any]]] = {name: [] for name in (PRODUCT, *REFERENCES)}
        for repetition in range(options.repeat):
            for name, results in rounds.items():
                results.append(_measure(name, environ, key, options))
                print(f"{repetition + 1} {name}: {json.dumps(results[-1])}", file=sys.stderr, flush=True)
        stored = _stored(store.url)
        version = store.version
    entries = _entries(rounds)
    acknowledged = sum(result["all_acknowledged"] for result in rounds[PRODUCT])
    ratio = min(entry["of_this"] for entry in entries if entry["server"] != PRODUCT)
    errors = sum(entry["errors"] for entry in entries)
    ok = ratio >= MUST and not errors and set(stored.values()) == {acknowledged}
    print(
        _text(entries, version, ratio, acknowledged, stored), file=sys.stderr if options.json else sys.stdout
    )
    if options.json:
        result = {"benchmark": "webhooks", "ok": ok, "ratio": ratio, "target": MUST, "machine": machine()}
        print(json.dumps(result | {"acknowledged": acknowledged, "stored": stored, "servers": entries}))
    return 0 if ok else 1


def _options(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks webhooks", description=__doc__)
    parser.add_argument("--seconds", type=float, default=5.0, help="how long each measurement sends")
    parser.add_argument("--connections", type=int, default=16, help="senders at a time (default: 16)")
    parser.add_argument("--repeat", type=int, default=3, help="how often; medians are shown (default: 3)")
    parser.add_argument("--json", action="store_true", help="print one JSON object; the table goes to stderr")
    return parser.parse_args(argv)


def _environ(database_url: str) -> dict[str, str]:
    return {
        **os.environ,
        "DATABASE_URL": database_url,
        "DJANGO_SETTINGS_MODULE": "benchmarks.hooks.settings",
        "SYNCPLATFORM_ENV_FILE": "none",
        "LOG_LEVEL": "WARNING",
        "BENCH_SIGNING_SECRET": secrets.token_hex(16),
    }


def _measure(name: str, environ: dict[str, str], key: str, options: argparse.Namespace) -> dict[str, Any]:
    """One server, started anew: a second to warm up, then the measured time."""
    path = f"/webhooks/bench/{key}/" if name == PRODUCT else "/hook/"
    load = ("-m", "benchmarks.hooks.load", "{port}", path, str(options.connections))
    with _serving(name, environ) as port:
        command = [part.format(port=port) for part in load]
        warm = json.loads(_python(environ, *command, WARM_UP_SECONDS))
        result: dict[str, Any] = json.loads(_python(environ, *command, str(options.seconds)))
    result["errors"] += warm["errors"]
    return result | {"all_acknowledged": warm["acknowledged"] + result["acknowledged"]}


@contextmanager
def _serving(name: str, environ: dict[str, str]) -> Iterator[int]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    if name == PRODUCT:
        arguments = ["-c", "python:syncplatform.web_server"]
        environ = {**environ, "WEB_BIND": f"127.0.0.1:{port}", "WEB_WORKERS": "2"}
    else:
        arguments = ["benchmarks.hooks.reference:application", "--bind", f"127.0.0.1:{port}"]
        arguments += REFERENCES[name]
        settings = "benchmarks.hooks.reference_settings"
        environ = {**environ, "DJANGO_SETTINGS_MODULE": settings, "BENCH_SERVE_REFERENCE": "1"}
    command = [sys.executable, "-m", "gunicorn", *arguments, "--log-level", "error"]
    process = subprocess.Popen(command, cwd=ROOT, env=environ)
    try:
        _wait_for(port, process)
        yield port
    finally:
        process.terminate()
        process.wait(timeout=60)


def _wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    """Wait until both workers answer: they take connections in turn."""
    deadline = time.monotonic() + START_SECONDS
    answers = 0
    while answers < 20:
        if process.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(f"gunicorn did not start (exit code {process.returncode})")
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
                connection.sendall(b"GET /webhooks/ HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
                answers += bool(connection.recv(100))
        except OSError:
            time.sleep(0.1)


def _python(environ: dict[str, str], *arguments: str) -> bytes:
    command = [sys.executable, *arguments]
    return subprocess.run(command, cwd=ROOT, env=environ, stdout=subprocess.PIPE, check=True).stdout


def _stored(url: str) -> dict[str, int]:
    with psycopg.connect(url) as connection:
        counts = connection.execute(
            "SELECT (SELECT count(*) FROM webhook_deliveries WHERE status = 'queued'),"
            " (SELECT count(*) FROM jobs)"
        ).fetchone()
    assert counts is not None
    return {"deliveries": int(counts[0]), "jobs": int(counts[1])}


def _entries(rounds: dict[str, list[dict[str, Any]]]) -> list[dict[str, Any]]:
    """One entry a server: medians, and all errors."""
    rates = {name: median(result["per_second"] for result in results) for name, results in rounds.items()}
    return [
        {
            "server": name,
            **{
                column: median(result[column] for result in results)
                for column in ("per_second", "p50_ms", "p99_ms", "max_ms")
            },
            "errors": sum(result["errors"] for result in results),
            "of_this": round(rates[PRODUCT] / rates[name], 2),
            "rounds": results,
        }
        for name, results in rounds.items()
    ]


def _text(
    entries: Sequence[dict[str, Any]], version: str, ratio: float, acknowledged: int, stored: dict[str, int]
) -> str:
    from synclogs.commands.tables import table

    columns = ("server", "per_second", "p50_ms", "p99_ms", "max_ms", "errors", "of_this")
    rows = [tuple(entry[column] for column in columns) for entry in entries]
    end = (
        f"{version}; {ratio:.2f} of the better reference (must be {MUST}).\n{acknowledged:,} acknowledged, "
        f"{stored['deliveries']:,} deliveries and {stored['jobs']:,} jobs stored."
    )
    return f"\n{table(HEADINGS, rows)}\n\n{end}\n\n{NOTES}"


if __name__ == "__main__":
    sys.exit(main())
