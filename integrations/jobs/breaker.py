"""The circuit breaker of a connection: after five failures within an hour it is left alone for an hour.

The counts are columns that only the database changes, so that failures at the same moment all count.
docs/connections.md, "Circuit breaker".
"""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

from django.db.models import Case, F, Q, QuerySet, Value, When
from django.utils import timezone

from integrations.http.errors import Fault, IntegrationError
from integrations.jobs import hooks
from integrations.jobs.outcomes import Decision, Next
from integrations.jobs.registry import UnknownJob, job_class
from integrations.models import Integration
from synclogs.models import Job

logger = logging.getLogger("syncplatform.jobs")

THRESHOLD = 5
WINDOW = timedelta(seconds=3600)
NOT_THE_VENDORS = (Fault.US, Fault.DATA)


def is_open(connection: Integration) -> bool:
    """Whether the connection is to be left alone for now."""
    return connection.breaker_open_until is not None and connection.breaker_open_until > timezone.now()


def try_ended(job: Job, decision: Decision, duration_ms: int | None) -> None:
    """Count what became of a try at a job that calls the vendor; `hooks.on_try_ended` calls it."""
    if job.integration_id is None or job.integration is None or not _fetches(job):
        return
    if decision.next in (Next.RETRY, Next.FAIL) and _is_the_vendors(decision):
        failed(job.integration)
    elif decision.next is Next.SUCCEED and _is_marked(job.integration):
        worked(job.integration)


def failed(connection: Integration) -> bool:
    """Count one failure; True when that opened the breaker, which is said once, however often it fails on."""
    now = timezone.now()
    row = Integration.objects.filter(pk=connection.pk)
    is_old = Q(breaker_window_at__isnull=True) | Q(breaker_window_at__lte=now - WINDOW)
    row.update(
        breaker_failures=Case(When(is_old, then=Value(1)), default=F("breaker_failures") + 1),
        breaker_window_at=Case(When(is_old, then=Value(now)), default=F("breaker_window_at")),
    )
    row.filter(breaker_open_until__lte=now).update(breaker_open_until=now + WINDOW)
    return _opened(row, now)


def _opened(row: QuerySet[Integration], now: datetime) -> bool:
    closed = row.filter(breaker_failures__gte=THRESHOLD, breaker_open_until__isnull=True)
    if not closed.update(breaker_open_until=now + WINDOW):
        return False
    connection = row.get()
    logger.error("connection %s (%s) is down: its breaker opened", connection.pk, connection.provider)
    hooks.breaker_changed(connection, is_down=True)
    return True


def worked(connection: Integration) -> bool:
    """Forget the failures; True when that closed the breaker, which is said once."""
    row = Integration.objects.filter(pk=connection.pk)
    clean = {"breaker_failures": 0, "breaker_window_at": None, "breaker_open_until": None}
    if not row.filter(breaker_open_until__isnull=False).update(**clean):
        row.filter(breaker_failures__gt=0).update(**clean)
        return False
    connection = row.get()
    logger.warning("connection %s (%s) is up again", connection.pk, connection.provider)
    hooks.breaker_changed(connection, is_down=False)
    return True


def _fetches(job: Job) -> bool:
    try:
        return job_class(job.name).fetches
    except UnknownJob:
        return False


def _is_the_vendors(decision: Decision) -> bool:
    """Whether a failure says something about the vendor; a defect of ours might, so it counts."""
    error = decision.error
    return not (isinstance(error, IntegrationError) and error.fault in NOT_THE_VENDORS)


def _is_marked(connection: Integration) -> bool:
    """Whether there was a failure when the job was claimed: a healthy connection costs no statement."""
    return connection.breaker_failures > 0 or connection.breaker_open_until is not None
