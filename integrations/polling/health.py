"""How connections and their jobs are doing, in numbers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count, F, Min, Q, QuerySet
from django.utils import timezone

from integrations.jobs import breaker
from integrations.jobs.connection_health import frequency
from integrations.models import Integration
from synclogs.models import WAITING_JOB_STATUSES, Job, JobStatus

STUCK_AFTER = timedelta(minutes=30)
RECENT = timedelta(hours=1)
DAY = timedelta(days=1)
STALE_AFTER = timedelta(seconds=600)
OK_RATE, WARN_RATE = 0.95, 0.90
MOST_FAILED, MOST_PENDING = 10, 100
LISTED = 50


def stuck(connections: QuerySet[Integration], now: datetime | None = None) -> QuerySet[Integration]:
    """Those whose poll or processing has been going on for more than half an hour."""
    began_before = (now or timezone.now()) - STUCK_AFTER
    return connections.filter(processing_started_at__lt=began_before, deleted_at__isnull=True)


def with_errors(connections: QuerySet[Integration], now: datetime | None = None) -> QuerySet[Integration]:
    """Those that failed within the last hour and have not worked since."""
    since = (now or timezone.now()) - RECENT
    return connections.filter(error_count__gt=0, last_error_at__gte=since, deleted_at__isnull=True)


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that somebody should look at; `severity` is warning or critical."""

    code: str
    severity: str
    message: str


@dataclass(frozen=True, slots=True)
class Health:
    """All numbers together. `success_rate` is the share of the jobs of 24 hours that ended well, or None."""

    pending: int
    failed: int
    stale: int
    oldest_pending_s: float
    total: int
    active_24h: int
    stuck: int
    errors: int
    success_rate: float | None
    by_service: dict[str, int] = field(default_factory=dict)

    @property
    def success(self) -> str:
        """The success rate in a word: ok, warn or bad; ok where nothing has ended."""
        if self.success_rate is None or self.success_rate >= OK_RATE:
            return "ok"
        return "warn" if self.success_rate >= WARN_RATE else "bad"

    def findings(self) -> Iterator[Finding]:
        """What is wrong."""
        if self.failed > MOST_FAILED:
            yield Finding(
                "failed_jobs", "critical", f"{self.failed} jobs have failed and nobody retried them"
            )
        if self.stuck:
            yield Finding(
                "stuck", "critical", f"{self.stuck} connections have been processing for over 30 min"
            )
        if self.pending > MOST_PENDING:
            yield Finding("pending_jobs", "warning", f"{self.pending} jobs are due and not started")
        if self.success == "warn":
            yield Finding(
                "success_rate", "warning", f"{self.success_rate:.0%} of the jobs of a day succeeded"
            )
        if self.success == "bad":
            yield Finding(
                "success_rate", "warning", f"only {self.success_rate:.0%} of a day's jobs succeeded"
            )

    def as_dict(self) -> dict[str, Any]:
        """The numbers for machines."""
        return {**asdict(self), "success": self.success}


def health(connections: QuerySet[Integration], jobs: QuerySet[Job]) -> Health:
    """The numbers of these connections and jobs: always five queries."""
    now = timezone.now()
    alive = connections.filter(deleted_at__isnull=True).order_by()
    counted = alive.aggregate(
        total=Count("pk"), active=Count("pk", filter=Q(last_successful_update_at__gte=now - DAY))
    )
    waiting = Q(status__in=WAITING_JOB_STATUSES, run_at__lte=now)
    failed = Q(status=JobStatus.FAILED, retries__isnull=True)
    ended = Q(finished_at__gte=now - DAY)
    found = jobs.order_by().aggregate(
        pending=Count("pk", filter=waiting, distinct=True),
        stale=Count("pk", filter=waiting & Q(run_at__lt=now - STALE_AFTER), distinct=True),
        oldest=Min("run_at", filter=waiting),
        failed=Count("pk", filter=failed, distinct=True),
        good=Count("pk", filter=ended & Q(status=JobStatus.SUCCEEDED), distinct=True),
        bad=Count("pk", filter=ended & Q(status=JobStatus.FAILED), distinct=True),
    )
    finished = found["good"] + found["bad"]
    services = alive.values_list("provider").annotate(n=Count("pk")).order_by("provider")
    return Health(
        pending=found["pending"],
        failed=found["failed"],
        stale=found["stale"],
        oldest_pending_s=round((now - found["oldest"]).total_seconds(), 1) if found["oldest"] else 0.0,
        total=counted["total"],
        active_24h=counted["active"],
        stuck=stuck(connections, now).count(),
        errors=with_errors(connections, now).count(),
        success_rate=found["good"] / finished if finished else None,
        by_service=dict(services),
    )


def describe(connection: Integration, now: datetime | None = None) -> dict[str, Any]:
    """One connection for people and machines; `lag_s` is how many seconds its poll is overdue."""
    moment = now or timezone.now()
    last = connection.last_successful_update_at
    due = last + frequency(connection) if last is not None else None
    return {
        "id": connection.pk,
        "name": connection.name,
        "provider": connection.provider,
        "instance_type": connection.instance_type,
        "status": state_of(connection),
        "last_success": last,
        "last_error_at": connection.last_error_at,
        "last_error_code": connection.last_error_code,
        "last_error_message": connection.last_error_message,
        "error_count": connection.error_count,
        "processing_since": connection.processing_started_at,
        "lag_s": max(0.0, round((moment - due).total_seconds(), 1)) if due is not None else None,
    }


def state_of(connection: Integration) -> str:
    """One word: paused, needs_attention, circuit_open, initializing, failing, never_synced or healthy."""
    if connection.paused:
        return "paused"
    if connection.status != "active":
        return "needs_attention"
    if breaker.is_open(connection):
        return "circuit_open"
    if connection.init_status in ("pending", "running"):
        return "initializing"
    if connection.error_count:
        return "failing"
    return "never_synced" if connection.last_successful_update_at is None else "healthy"


def overdue(connections: QuerySet[Integration], limit: int = LISTED) -> list[dict[str, Any]]:
    """The connections that need a look, the longest without success first."""
    shown = connections.filter(deleted_at__isnull=True).order_by(
        F("last_successful_update_at").asc(nulls_first=True), "pk"
    )
    return [describe(connection) for connection in shown[:limit]]
