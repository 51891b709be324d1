"""What other rooms of the engine want to know about jobs: each registers a callback, once.

Callbacks of ends are called in the transaction that writes the end, each behind a savepoint: one that fails
is logged and undone by itself, and the end is written all the same.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import ParamSpec

from django.db import transaction

from integrations.jobs.outcomes import Decision
from integrations.models import Integration
from synclogs.models import Job, SyncLog

logger = logging.getLogger("syncplatform.jobs")

P = ParamSpec("P")

on_job_failed: list[Callable[[Job, SyncLog | None, Decision], None]] = []
on_run_ended: list[Callable[[Job, SyncLog], None]] = []
on_breaker_changed: list[Callable[[Integration, bool], None]] = []
on_try_started: list[Callable[[Job], None]] = []
on_try_ended: list[Callable[[Job, Decision, int | None], None]] = []


def job_failed(job: Job, run: SyncLog | None, decision: Decision) -> None:
    """A job has failed for good. Call it in the end transaction, after the job's own hook."""
    for callback in on_job_failed:
        _behind_savepoint(callback, job, run, decision)


def run_ended(job: Job, run: SyncLog) -> None:
    """A job has succeeded and its run has ended, maybe with a warning. Call it in the end transaction."""
    for callback in on_run_ended:
        _behind_savepoint(callback, job, run)


def breaker_changed(connection: Integration, *, is_down: bool) -> None:
    """A connection has been found to be down, or up again. Call it outside of transactions."""
    for callback in on_breaker_changed:
        _safely(callback, connection, is_down)


def try_started(job: Job) -> None:
    """A claimed job is about to be worked on. Call it outside of transactions."""
    for callback in on_try_started:
        _safely(callback, job)


def try_ended(job: Job, decision: Decision, duration_ms: int | None) -> None:
    """The end of a try is committed; `duration_ms` is None where nobody worked on it."""
    for callback in on_try_ended:
        _safely(callback, job, decision, duration_ms)


def _behind_savepoint(callback: Callable[P, None], *args: P.args, **kwargs: P.kwargs) -> None:
    try:
        with transaction.atomic():
            callback(*args, **kwargs)
    except Exception:
        logger.exception("%s failed; the job's end is written all the same", callback)


def _safely(callback: Callable[P, None], *args: P.args, **kwargs: P.kwargs) -> None:
    try:
        callback(*args, **kwargs)
    except Exception:
        logger.exception("%s failed", callback)
