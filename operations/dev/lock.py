"""One set of workers at a time on one set of data: they would take each other's jobs."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

from django.conf import settings
from django.utils import timezone

from integrations.jobs.process import is_alive, is_local, pid_of
from synclogs.models import WorkerHeartbeat


class AlreadyInUse(Exception):
    """Another `dev` command works on the same data; the text says which."""


def refuse_other_workers() -> None:
    """Raise AlreadyInUse when workers that nobody here started serve the database."""
    fresh = timezone.now() - timedelta(seconds=settings.JOB_HEARTBEAT_SECONDS)
    supervisors = WorkerHeartbeat.objects.filter(beat_at__gte=fresh).values_list("supervisor", flat=True)
    for supervisor in set(supervisors):
        if is_alive(supervisor) or not is_local(supervisor):
            raise AlreadyInUse(
                f"`manage.py run_workers` (process {pid_of(supervisor)} on {supervisor.partition('/')[0]}) "
                "serves the same database, and would take this command's jobs. Stop it first, or set "
                "DATABASE_URL to another database."
            )


@contextmanager
def exclusive(path: Path, command: str) -> Iterator[None]:
    """Hold the lock file at `path` for `command`. The kernel lets go of it when this process dies.

    Raises AlreadyInUse when another process holds it.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a+", encoding="utf-8") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            holder = file.read().strip() or "another dev command"
            raise AlreadyInUse(
                f"{holder} is running on the same data, and its workers would take this command's jobs. "
                "Stop it first, or set DATABASE_URL to another database."
            ) from None
        file.truncate(0)
        file.write(f"`{command}` (process {os.getpid()})\n")
        file.flush()
        yield
