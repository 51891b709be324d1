"""What runs in the measured processes: `python -m benchmarks.child prepare|sync`. Prints one JSON object."""

from __future__ import annotations

import json
import resource
import sys
import time
from collections.abc import Callable
from typing import Any

import django


class StatementCounter:
    """Counts what one connection sends: an `executemany` and a COPY count as one each."""

    def __init__(self) -> None:
        self.count = 0

    def __call__(
        self, execute: Callable[..., Any], statement: str, params: Any, many: bool, context: dict[str, Any]
    ) -> Any:
        """Count and go on."""
        self.count += 1
        return execute(statement, params, many, context)

    def count_copies(self) -> None:
        """Count COPY too, which Django's wrapper does not see."""
        import psycopg

        original = psycopg.Cursor.copy

        def counted(cursor: Any, *args: Any, **kwargs: Any) -> Any:
            self.count += 1
            return original(cursor, *args, **kwargs)

        setattr(psycopg.Cursor, "copy", counted)  # noqa: B010


def prepare() -> dict[str, Any]:
    """Make the tables, and users for some of the planners. Returns the tables by what they mean."""
    from django.core.management import call_command

    from circuits.models import Circuit, UnlinkedPlanner
    from operations.dev.people import create_known_planners

    call_command("migrate", interactive=False, verbosity=0)
    call_command("createcachetable", verbosity=0)
    create_known_planners()
    sightings = UnlinkedPlanner._meta.db_table
    models = Circuit._meta.app_config.get_models(include_auto_created=True)
    tables = sorted(model._meta.db_table for model in models if model._meta.managed)
    return {"circuit_tables": [name for name in tables if name != sightings], "sightings_table": sightings}


def sync() -> dict[str, Any]:
    """Sync every status in this process, under a job like any other, and measure it."""
    from django.db import connection

    from circuits import services
    from circuits.statuses import ApiStatus
    from synclogs.models import SyncLog
    from synclogs.progress import SilentReporter

    counter = StatementCounter()
    if connection.vendor == "postgresql":
        counter.count_copies()
    before, cpu, started = _peak_mb(), time.process_time(), time.perf_counter()
    with connection.execute_wrapper(counter):
        job, _ = services.sync_circuits_now(list(ApiStatus), SilentReporter())
    seconds, cpu = time.perf_counter() - started, time.process_time() - cpu
    run = SyncLog.objects.get(job=job)
    return {
        **run.as_dict(),
        "seconds": round(seconds, 3),
        "cpu_seconds": round(cpu, 3),
        "records_per_second": round(run.counts.processed / seconds),
        "peak_mb": round(_peak_mb(), 1),
        "before_mb": round(before, 1),
        "queries": counter.count,
    }


def _peak_mb() -> float:
    """The most memory that this process had resident so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    django.setup()
    print(json.dumps({"prepare": prepare, "sync": sync}[sys.argv[1]]()))
