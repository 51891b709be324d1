"""What runs in the measuring process: `python -m benchmarks.queue_child prepare|KIND COUNT`.

Prints one JSON object.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import django

ROOT = Path(__file__).resolve().parent.parent
AT_ONCE = 500
LONGEST_SECONDS = 600.0
STOP_SECONDS = 30.0


def prepare() -> dict[str, Any]:
    """Make the tables."""
    from django.core.management import call_command

    call_command("migrate", interactive=False, verbosity=0)
    call_command("createcachetable", verbosity=0)
    return {}


def measure(kind: str, count: int) -> dict[str, Any]:
    """Enqueue so many, start workers, and measure from the first to the last of them."""
    from benchmarks.noop.record import FILE, noted

    with tempfile.TemporaryDirectory(prefix="syncplatform-bench-") as directory:
        path = Path(directory) / "record"
        path.touch()
        started = time.perf_counter()
        for first in range(0, count, AT_ONCE):
            _enqueue(kind, range(first, min(count, first + AT_ONCE)))
        enqueued = time.perf_counter() - started
        cpu = _cpu_of_children()
        workers = subprocess.Popen(
            [sys.executable, "manage.py", "run_workers", "--queue", "process"],
            cwd=ROOT,
            env=os.environ | {FILE: str(path), "LOG_LEVEL": "WARNING"},
        )
        try:
            _wait(path, count)
        finally:
            workers.terminate()
            workers.wait(STOP_SECONDS)
        cpu = _cpu_of_children() - cpu
        records = noted(path)
    numbers, times = [number for number, _ in records], sorted(when for _, when in records)
    seconds = times[-1] - times[0]
    return {
        "kind": kind,
        "jobs": count,
        "lost": count - len(set(numbers)),
        "doubled": len(numbers) - len(set(numbers)),
        "not_succeeded": 0 if kind in ("plain", "rows") else _not_succeeded(),
        "enqueued_per_second": round(count / enqueued),
        "seconds": round(seconds, 2),
        "cpu_ms_per_job": round(cpu / count * 1000, 2),
        "jobs_per_second": round((len(records) - 1) / seconds),
    }


def _enqueue(kind: str, numbers: range) -> None:
    """Some of them, in one transaction."""
    from django.db import transaction
    from django_q.brokers import get_broker
    from django_q.tasks import async_task

    from accounts.models import Account
    from benchmarks.noop.provider import ShortNoopJob, SingleNoopJob
    from integrations.jobs import qcluster

    account, broker = Account.objects.platform(), get_broker(qcluster.broker_key("process"))
    with transaction.atomic():
        for number in numbers:
            if kind in ("plain", "rows"):
                async_task(
                    "benchmarks.noop.record.note",
                    number,
                    broker=broker,
                    task_name="bench.plain",
                    timeout=60,
                    save=kind == "rows",
                )
            else:
                cls = ShortNoopJob if kind == "short" else SingleNoopJob
                cls.dispatch(account=account, args={"number": number})


def _cpu_of_children() -> float:
    """Processor seconds of all ended processes below this one: workers, their cluster and supervisor."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def _wait(path: Path, count: int) -> None:
    from benchmarks.noop.record import RECORD

    deadline = time.monotonic() + LONGEST_SECONDS
    while path.stat().st_size < count * RECORD.size:
        if time.monotonic() > deadline:
            raise TimeoutError(f"{path.stat().st_size // RECORD.size} of {count} after {LONGEST_SECONDS:g} s")
        time.sleep(0.2)
    time.sleep(1.0)  # one done twice would come now


def _not_succeeded() -> int:
    from synclogs.models import Job, JobStatus

    return Job.objects.exclude(status=JobStatus.SUCCEEDED).count()


if __name__ == "__main__":
    django.setup()
    action, *rest = sys.argv[1:]
    print(json.dumps(prepare() if action == "prepare" else measure(action, int(rest[0]))))
