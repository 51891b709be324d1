"""What ServiceTitan does by the clock of New York: each schedule makes one job, which does the rest."""

from __future__ import annotations

import logging
from collections import Counter
from typing import Any, ClassVar

from accounts.models import Account
from integrations.jobs.base import BaseJob
from integrations.jobs.registry import register_job
from integrations.providers.servicetitan import services
from integrations.providers.servicetitan.models import TitanEnvironment
from integrations.providers.servicetitan.selection import Filters, recent_runs
from integrations.providers.servicetitan.slug import PROVIDER
from integrations.schedules.declared import Schedule
from synclogs.commands.executions import send_command_notification
from synclogs.models import Job

logger = logging.getLogger("syncplatform.servicetitan")

RETRY_HOURS = 12
STATUS_HOURS = 24


class _OfTheClock(BaseJob):
    """A job of no account in particular."""

    provider = PROVIDER
    timeout: ClassVar[int] = 60
    backoff: ClassVar[tuple[float, ...]] = (30.0, 120.0)

    @classmethod
    def start(cls) -> Job:
        """Queue the job of a slot."""
        return cls.dispatch(account=Account.objects.platform(), args=cls.arguments())

    @classmethod
    def arguments(cls) -> dict[str, Any]:
        """What the job is told."""
        return {}


@register_job
class ProcessScheduledSyncsJob(_OfTheClock):
    """Queues a sync of each production credential that is due."""

    name = "servicetitan.process_scheduled_syncs"
    job_type = "process_scheduled_syncs"

    @classmethod
    def arguments(cls) -> dict[str, Any]:
        """Which environment."""
        return {"environment": TitanEnvironment.PRODUCTION.value}

    def handle(self) -> str:
        """Queue them; says how many."""
        jobs = services.queue_scheduled_syncs(Filters(environment=self.args.get("environment")))
        return f"queued {len(jobs)}"


@register_job
class RetryFailedSyncsJob(_OfTheClock):
    """Queues a retry of each sync that failed lately."""

    name = "servicetitan.retry_failed_syncs"
    job_type = "retry_failed_syncs"

    @classmethod
    def arguments(cls) -> dict[str, Any]:
        """How old a failure may be, in hours."""
        return {"max_age": RETRY_HOURS}

    def handle(self) -> str:
        """Queue them; says how many."""
        jobs = services.queue_retries(max_age_hours=int(self.args.get("max_age", RETRY_HOURS)))
        return f"queued {len(jobs)}"


@register_job
class SyncStatusJob(_OfTheClock):
    """Says in the log, and to those who are told of commands, how the runs of a day ended."""

    name = "servicetitan.sync_status"
    job_type = "sync_status"

    def handle(self) -> str:
        """Count the ends."""
        ends = Counter(run.status_for_machines for run in recent_runs(hours=STATUS_HOURS).iterator())
        counted = ", ".join(f"{number} {status}" for status, number in sorted(ends.items())) or "none"
        text = f"ServiceTitan's runs of the last {STATUS_HOURS} hours: {counted}."
        logger.info("%s", text)
        send_command_notification("servicetitan_sync_status", text)
        return f"{sum(ends.values())} runs"


SCHEDULES = (
    Schedule(
        "servicetitan-sync",
        "0 * * * *",
        ProcessScheduledSyncsJob.start,
        "production credentials",
    ),
    Schedule(
        "servicetitan-retry", "0 6,18 * * *", RetryFailedSyncsJob.start, "syncs that failed within 12 hours"
    ),
    Schedule("servicetitan-status", "0 8 * * *", SyncStatusJob.start, "how the last 24 hours went"),
)
