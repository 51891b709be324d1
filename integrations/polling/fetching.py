"""Polls by hand: what operators, commands and admin actions start."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.utils import timezone

from accounts.models import User
from integrations.jobs.outcomes import Next
from integrations.jobs.runner import run_job
from integrations.models import Integration
from integrations.polling import routing
from integrations.polling.eligibility import Skip, busy_connections, why_not
from integrations.polling.starting import start
from synclogs.models import WAITING_JOB_STATUSES, Job, SyncTrigger

NEVER = (Skip.INACTIVE, Skip.UNKNOWN_TYPE, Skip.WEBHOOK_ONLY, Skip.NO_TOKEN)


@dataclass(frozen=True, slots=True)
class Started:
    """What became of asking for a poll: its job, or why there is none."""

    integration: Integration
    job: Job | None = None
    reason: str = ""


def fetch_now(
    integration: Integration,
    *,
    force: bool = False,
    since: datetime | None = None,
    user: User | None = None,
    write: bool = True,
) -> Started:
    """Queue a poll of this connection unless a rule speaks against it.

    With `force`, and with `since` (read again from there), only what makes a poll impossible counts: see
    `NEVER`. Without `write` only say what would happen.
    """
    now = timezone.now()
    reason = why_not(integration, now, busy_connections())
    if reason is not None and (reason in NEVER or not (force or since)):
        return Started(integration, reason=reason.value)
    if not write:
        return Started(integration)
    trigger = SyncTrigger.BACKFILL if since else SyncTrigger.MANUAL
    for cls in routing.fetch_jobs(integration):
        job = start(integration, cls, now, trigger=trigger, since=since, user=user)
        return Started(integration, job, "" if job else "triggered_meanwhile")
    return Started(integration, reason=Skip.UNKNOWN_TYPE.value)


def run_here(job: Job) -> bool:
    """Run a poll and the chunks that it stores in this process, each once. Whether all went well.

    What has to wait is left to the workers.
    """
    outcomes = [run_job(str(job.pk))]
    job.refresh_from_db()
    if job.run_id is not None:
        chunks = Job.objects.filter(run_id=job.run_id, status__in=WAITING_JOB_STATUSES).exclude(pk=job.pk)
        outcomes += [
            run_job(str(pk)) for pk in list(chunks.order_by("created_at").values_list("pk", flat=True))
        ]
    return all(outcome == Next.SUCCEED for outcome in outcomes)
