"""Runs the test suites on SQLite and on PostgreSQL with Redis: the engine of `make test`.

Without options: the default suite on both, the suite that kills processes on both
side by side, the browser suite.
PostgreSQL and Redis are those of TEST_DATABASE_URL and TEST_REDIS_URL, else those that answer here,
else servers from pip packages. What follows `--` goes to pytest.
"""

import argparse
import json
import os
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from typing import IO, Any

from scripts.testing.databases import Unusable, servers
from scripts.testing.suites import Result, Suite
from syncplatform.env import VARIABLES

MAX_WORKERS = 4
CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
DATABASES = ("sqlite", "postgres")


def main(argv: Sequence[str] | None = None) -> int:
    """Runs what the command line asks for; 0 when everything passed, 1 when not, 2 when it cannot run."""
    options = _options(argv)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    started = time.monotonic()
    try:
        results = list(_run(options))
    except Unusable as error:
        print(error, file=sys.stderr)
        return 2
    return _report(results, time.monotonic() - started, as_json=options.json)


def _options(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m scripts.run_tests",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--only", choices=DATABASES, help="one database, and unless named otherwise one suite"
    )
    parser.add_argument("--kill", action="store_true", help="the suite that kills real processes")
    parser.add_argument("--browser", action="store_true", help="the suite that drives a browser")
    parser.add_argument("--require-kill", action="store_true", help="fail when that suite is empty")
    parser.add_argument("--require-browser", action="store_true", help="fail without Chromium or such tests")
    parser.add_argument("--own-servers", action="store_true", help="use the servers from pip packages")
    parser.add_argument(
        "--workers", type=int, default=min(os.cpu_count() or 1, MAX_WORKERS), help="processes"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object; all else to stderr")
    parser.add_argument("-k", metavar="EXPRESSION", help="only tests that match, as in pytest")
    parser.add_argument("arguments", nargs="*", help="arguments of pytest, after --")
    return parser.parse_args(argv)


def _run(options: argparse.Namespace) -> Iterator[Result]:
    with ExitStack() as stack:
        environs = {}
        if options.only != "postgres":
            environs["sqlite"] = _sqlite(stack)
        if options.only != "sqlite":
            environs["postgres"] = _postgres(stack, options)
        output = sys.stderr.buffer if options.json else None
        side_by_side = []
        for suite in _suites(options, environs):
            if isinstance(suite, Result):
                yield suite
            elif suite.name == "kill":
                side_by_side.append(suite)
            else:
                _announce(suite)
                yield suite.run(output)
        yield from _side_by_side(side_by_side, output)


def _announce(suite: Suite) -> None:
    print(f"\n=== The {suite.name} suite on {suite.database}", file=sys.stderr, flush=True)


def _side_by_side(suites: Sequence[Suite], output: IO[bytes] | None) -> Iterator[Result]:
    """Runs suites that wait most of their time; what one prints comes when it is done, in one piece."""
    if len(suites) < 2:
        for suite in suites:
            _announce(suite)
            yield suite.run(output)
        return
    with ExitStack() as stack:
        files = [stack.enter_context(tempfile.TemporaryFile()) for _ in suites]
        pool = stack.enter_context(ThreadPoolExecutor(len(suites)))
        names = ", ".join(suite.database for suite in suites)
        print(f"\n=== The {suites[0].name} suites side by side: {names}", file=sys.stderr, flush=True)
        running = [pool.submit(suite.run, file) for suite, file in zip(suites, files, strict=True)]
        for suite, file, future in zip(suites, files, running, strict=True):
            result = future.result()
            _announce(suite)
            file.seek(0)
            shutil.copyfileobj(file, output or sys.stdout.buffer)
            yield result


def _suites(options: argparse.Namespace, environs: dict[str, dict[str, str]]) -> Iterator[Suite | Result]:
    everything = not (options.only or options.kill or options.browser)
    arguments = [*(["-k", options.k] if options.k else []), *options.arguments]
    if everything or (options.only and not options.kill and not options.browser):
        for database, environ in environs.items():
            yield Suite("default", database, environ, options.workers, arguments, required=not arguments)
    if everything or options.kill:
        for database, environ in environs.items():
            workers = 2 if database == "postgres" and options.workers > 1 else 0  # it tries two brokers
            yield Suite("kill", database, environ, workers, arguments, required=options.require_kill)
    if everything or options.browser:
        database, environ = next(iter(environs.items()))
        chromium = _chromium(environ)
        if chromium:
            environ = {**environ, "CHROMIUM": chromium}
            yield Suite("browser", database, environ, 0, arguments, required=options.require_browser)
        else:
            note = "no Chromium found (install it, or set CHROMIUM)"
            yield Result("browser", database, ok=not options.require_browser, note=note)


def _base_environ() -> dict[str, str]:
    """This process's environment without what configures a real installation."""
    ours = {name for variable in VARIABLES for name in (variable.name, f"{variable.name}_FILE")}
    environ = {name: value for name, value in os.environ.items() if name not in ours}
    return {**environ, "SYNCPLATFORM_ENV_FILE": "none", "PYTEST_PLUGINS": "scripts.testing.isolation"}


def _sqlite(stack: ExitStack) -> dict[str, str]:
    directory = stack.enter_context(tempfile.TemporaryDirectory(prefix="syncplatform-"))
    path = Path(directory) / "db.sqlite3"
    print(f"SQLite in {directory}", file=sys.stderr)
    return {**_base_environ(), "DATABASE_URL": f"sqlite:///{path}"}


def _postgres(stack: ExitStack, options: argparse.Namespace) -> dict[str, str]:
    found = stack.enter_context(servers(os.environ, max(1, options.workers), own=options.own_servers))
    print(found.described, file=sys.stderr)
    return {
        **_base_environ(),
        "DATABASE_URL": found.database_url,
        "REDIS_URL": found.redis_urls[0],
        "TEST_REDIS_URLS": " ".join(found.redis_urls),
        "QUEUE_BROKER": "redis",
    }


def _chromium(environ: dict[str, str]) -> str | None:
    named = environ.get("CHROMIUM")
    return shutil.which(named) if named else next(filter(None, map(shutil.which, CHROMIUM_NAMES)), None)


def _report(results: list[Result], seconds: float, *, as_json: bool) -> int:
    stream = sys.stderr if as_json else sys.stdout
    ok = all(result.ok for result in results)
    passed, failed = sum(r.passed for r in results), sum(r.failed for r in results)
    skipped = sum(r.skipped for r in results)
    print(
        f"\n{'suite':<9}{'database':<10}{'passed':>7}{'failed':>7}{'skipped':>8}{'seconds':>8}", file=stream
    )
    for r in results:
        line = f"{r.suite:<9}{r.database:<10}{r.passed:>7}{r.failed:>7}{r.skipped:>8}{r.seconds:>8.1f}"
        note = f"  {'' if r.ok else 'FAILED: '}{r.note}" if r.note else ""
        print(line + note, file=stream)
    print(f"\n{passed} passed, {failed} failed, {skipped} skipped in {seconds:.1f} s", file=stream)
    if as_json:
        summary: dict[str, Any] = {"ok": ok, "passed": passed, "failed": failed, "skipped": skipped}
        summary |= {"seconds": round(seconds, 1), "suites": [asdict(result) for result in results]}
        print(json.dumps(summary))
    return 0 if ok else 1


if __name__ == "__main__":
    sys.exit(main())
