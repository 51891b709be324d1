"""Servers killed in the middle of work: `python -m tests.faults.servers [--jobs 2000] [--json]`.

Starts a PostgreSQL and a Redis of its own, lets real workers work on the jobs, and meanwhile kills with
SIGKILL a worker, the cluster's main process, Redis and PostgreSQL, the last two to be started again after a
moment. At the end every job has ended and every effect is there once: those of plain and short jobs, of runs
of many batches, and of polls whose chunks are processed by jobs of their own.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import django
import psutil

from scripts.testing.own_servers import Server, own_postgres, own_redis

AWAY_SECONDS = 2.0
LONGEST_SECONDS = 300.0
RUNS, BATCHES = 2, 40
POLLS = 4


def main(argv: Sequence[str] | None = None) -> int:
    """Run and report; 0 when nothing was lost and nothing done twice."""
    options = _options(argv)
    with own_postgres(durable=True) as postgres, own_redis() as redis:
        os.environ |= {
            "DJANGO_SETTINGS_MODULE": "tests.faults.settings",
            "SYNCPLATFORM_ENV_FILE": "none",
            "DATABASE_URL": postgres.url,
            "REDIS_URL": redis.url,
            "QUEUE_BROKER": "redis",
            "LOG_LEVEL": "ERROR",
        }
        django.setup()
        with tempfile.TemporaryDirectory() as directory:
            result = _work(options.jobs, postgres, redis, Path(directory))
    if options.json:
        print(json.dumps(result))
    else:
        print("\n".join(f"{name:>24}: {value}" for name, value in result.items()))
    return 0 if result["ok"] else 1


def _options(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m tests.faults.servers",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--jobs", type=int, default=2000, help="how many (default: 2000)")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    return parser.parse_args(argv)


def _work(count: int, postgres: Server, redis: Server, directory: Path) -> dict[str, Any]:
    from django.core.management import call_command

    from synclogs.models import Job, JobStatus
    from tests.faults import effects
    from tests.faults.installation import installation

    call_command("migrate", interactive=False, verbosity=0)
    call_command("createcachetable", verbosity=0)
    effects.create_table()
    expected = _make_jobs(count)
    struck: dict[str, float] = {}
    with installation("redis", directory, LOG_LEVEL="WARNING") as ours:
        workers = ours.start_workers()
        workers.wait_ready()
        started = time.monotonic()
        made = _made(count)
        strikes: list[tuple[float, str, Callable[[], None]]] = [
            (0.15, "worker", lambda: _kill(workers.children("worker")[0])),
            (0.35, "redis", lambda: _kill_for_a_while(redis)),
            (0.55, "cluster", lambda: _kill(workers.main())),
            (0.75, "postgresql", lambda: _kill_for_a_while(postgres)),
        ]
        for share, name, strike in strikes:
            _wait_until(lambda share=share: _ended() >= share * made)  # type: ignore[misc]
            strike()
            struck[name] = round(time.monotonic() - started, 1)
        _wait_until(lambda: _ended() == made)
        seconds = time.monotonic() - started
        failed = Job.objects.exclude(status=JobStatus.SUCCEEDED).count()
        tail = workers.tail() if failed else ""
    found = effects.counted()
    lost, doubled = len(expected - found.keys()), sum(times - 1 for times in found.values())
    events = _events(count)
    lost, doubled = lost + events["lost"], doubled + events["doubled"]
    if tail:
        print(tail, file=sys.stderr)
    return {
        "ok": not (lost or doubled or failed),
        "jobs": made,
        "lost": lost,
        "doubled": doubled,
        "not_succeeded": failed,
        "effects": sum(found.values()) + events["stored"],
        "struck_after_s": struck,
        "seconds": round(seconds, 1),
    }


def _make_jobs(count: int) -> set[tuple[str, str]]:
    """Runs of many batches, jobs that take a moment and jobs of a short class; returns all their effects."""
    from accounts.models import Account, User
    from integrations.jobs.dispatch import build_job
    from integrations.models import Integration
    from synclogs.models import Job
    from tests.faults.jobs import ROWS_PER_BATCH, BatchRunJob, ShortJob, SleepJob
    from tests.faults.staged import EntryPull

    account = Account.objects.platform()
    user = User.objects.create_user("somebody")
    jobs, expected = [], set()
    for n in range(RUNS):
        connection = Integration.objects.create(
            account=account, provider="faults", instance_type="batches", name=f"{n}", external_id=f"{n}"
        )
        args: dict[str, Any] = {"key": f"run-{n}", "batches": BATCHES, "seconds": 0.2}
        jobs.append(build_job(BatchRunJob, account, connection, args))
        expected |= {(f"run-{n}", f"{b}.{r}") for b in range(BATCHES) for r in range(ROWS_PER_BATCH)}
    pages = _pages(count)
    for n in range(POLLS):
        connection = Integration.objects.create(
            account=account,
            user=user,
            provider="faults",
            instance_type="entries",
            name=f"poll {n}",
            external_id=f"poll {n}",
        )
        jobs.append(build_job(EntryPull, account, connection, {"pages": pages, "seconds": 0.01}))
    for n in range(count - RUNS - POLLS * (1 + pages)):
        key = f"job-{n}"
        expected.add((key, "done"))
        if n % 4:
            jobs.append(build_job(ShortJob, account, None, {"key": key, "seconds": 0.02}))
        else:
            jobs.append(build_job(SleepJob, account, None, {"key": key, "seconds": 0.02}))
    Job.objects.bulk_create(jobs)
    return expected


def _pages(count: int) -> int:
    """How many pages each poll has: half of all jobs process one each."""
    return count // 2 // POLLS


def _made(count: int) -> int:
    """How many jobs there are once the polls have stored all their pages."""
    return max(count, RUNS + POLLS * (1 + _pages(count)))


def _events(count: int) -> dict[str, int]:
    """Events and blocks that are missing, and what runs counted as created more than once."""
    from django.db.models import Sum

    from integrations.models import Block, Event, RawPayload
    from synclogs.models import SyncLog, SyncStatus
    from tests.faults.staged import ITEMS_PER_PAGE

    wanted = POLLS * _pages(count) * ITEMS_PER_PAGE
    stored, blocks = Event.objects.count(), Block.objects.count()
    runs = SyncLog.objects.filter(integration__instance_type="entries")
    counted = runs.aggregate(n=Sum("records_processed"))["n"] or 0
    unprocessed = RawPayload.objects.filter(processed_at=None).count()
    unended = runs.exclude(sync_status=SyncStatus.COMPLETED).count()
    lost = (wanted - stored) + (wanted - blocks) + unprocessed + unended
    return {"stored": stored, "lost": lost, "doubled": abs(counted - wanted)}


def _ended() -> int:
    from synclogs.models import Job

    return Job.objects.filter(finished_at__isnull=False).count()


def _wait_until(reached: Callable[[], bool]) -> None:
    """Raises TimeoutError after `LONGEST_SECONDS`; a database that is away is asked again."""
    from django.db import Error, connection

    deadline = time.monotonic() + LONGEST_SECONDS
    while time.monotonic() < deadline:
        try:
            if reached():
                return
        except Error:
            connection.close()
        time.sleep(0.1)
    raise TimeoutError(f"not reached within {LONGEST_SECONDS:g} s")


def _kill(process: psutil.Process) -> None:
    process.send_signal(signal.SIGKILL)


def _kill_for_a_while(server: Server) -> None:
    server.kill()
    time.sleep(AWAY_SECONDS)
    server.start()


if __name__ == "__main__":
    sys.exit(main())
