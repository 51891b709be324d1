"""The job that looks for trouble every five minutes."""

from __future__ import annotations

from integrations.alerts.checks import check_queue
from integrations.alerts.connections import check_consents
from integrations.alerts.credentials import recover_mended
from integrations.alerts.service import recover_by_later_success
from integrations.jobs.base import BaseJob
from integrations.jobs.registry import register_job
from synclogs.alerts import announce_overdue
from synclogs.models import JobQueue


@register_job
class CheckQueueJob(BaseJob):
    """Checks queue and consents, tells of alerts that were kept silent, recovers what has succeeded since."""

    name = "platform.check_queue"
    job_type = "check_queue"
    queue = JobQueue.HIGH_PRIORITY
    timeout = 60

    def handle(self) -> str | None:
        """Do all of them."""
        problems = [*check_queue(), *check_consents()]
        recover_by_later_success()
        recover_mended()
        announce_overdue()
        return f"{len(problems)} problems"
