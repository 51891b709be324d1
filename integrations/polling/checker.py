"""CheckIntegrationUpdates: looks every minute which connections are due, and starts their polls."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, ClassVar

from django.utils import timezone

from integrations.jobs.base import BaseJob
from integrations.jobs.registry import register_job
from integrations.models import Integration
from integrations.polling import routing
from integrations.polling.eligibility import Busy, Skip, busy_connections, polled, why_not
from integrations.polling.starting import start
from synclogs.critical import handle_worker_error

logger = logging.getLogger("syncplatform.polling")


@dataclass(slots=True)
class Summary:
    """What a look at all connections came to; `skipped` by reason, `failed` with the error of each."""

    due: int = 0
    scheduled: int = 0
    skipped: Counter[str] = field(default_factory=Counter)
    failed: dict[int, str] = field(default_factory=dict)

    @property
    def looked_at(self) -> int:
        """All of them."""
        return self.due + self.skipped.total() + len(self.failed)

    def as_dict(self) -> dict[str, int]:
        """The numbers for machines, the reasons as `skipped_<reason>`."""
        reasons = {f"skipped_{reason}": count for reason, count in sorted(self.skipped.items())}
        return {"due": self.due, "scheduled": self.scheduled, "failed": len(self.failed), **reasons}


def check_all(*, write: bool = True, check: Callable[[], None] = lambda: None) -> Summary:
    """Start the polls that are due, each in a transaction of its own; one that fails stops no other.

    Without `write` only say what would be started. `check` is called between two and may raise.
    """
    now, summary, busy = timezone.now(), Summary(), busy_connections()
    for integration in polled().iterator(chunk_size=500):
        check()
        try:
            _check(integration, now, busy, summary, write=write)
        except Exception as error:
            logger.exception("connection %s cannot be checked", integration.pk)
            handle_worker_error(error, "check_integration_updates", alert=write)
            summary.failed[integration.pk] = f"{type(error).__name__}: {error}"
    logger.info("connections checked: %s", " ".join(f"{k}={v}" for k, v in summary.as_dict().items()))
    return summary


def _check(integration: Integration, now: Any, busy: Busy, summary: Summary, *, write: bool) -> None:
    reason = why_not(integration, now, busy)
    if reason is Skip.UNKNOWN_TYPE:
        routing.fetch_jobs(integration)  # says so
    if reason is not None:
        summary.skipped[reason] += 1
        return
    summary.due += 1
    if not write:
        return
    for cls in routing.fetch_jobs(integration):
        if start(integration, cls, now) is not None:
            summary.scheduled += 1


@register_job
class CheckIntegrationUpdates(BaseJob):
    """One look at all connections. There is never more than one of it."""

    name = "platform.check_integration_updates"
    job_type = "check_integration_updates"
    timeout = 60
    fetches = False
    last: ClassVar[Summary] = Summary()

    def handle(self) -> str | None:
        """Look, and keep what it came to for a command that runs it in its own process."""
        summary = check_all(check=self.check)
        type(self).last = summary
        return f"{summary.scheduled} scheduled"
