"""Ending a job that nobody runs: parked as poison, or cancelled while it waits."""

from __future__ import annotations

import logging
from uuid import UUID

from django.db import transaction
from django.db.models import Q

from integrations.jobs.base import BaseJob
from integrations.jobs.claim import Claim, take
from integrations.jobs.lease import LeaseKeeper
from integrations.jobs.outcomes import Decision
from integrations.jobs.registry import UnknownJob, job_class
from integrations.jobs.settle import settle
from synclogs.models import AttemptOutcome

logger = logging.getLogger("syncplatform.jobs")


def end_unclaimed(job_id: UUID, condition: Q, decision: Decision) -> bool:
    """Take a job that meets `condition`, end it with its run, and call its hooks, in one transaction.

    False when it does not meet the condition any more. Hooks that fail are left out.
    """
    try:
        return _end(job_id, condition, decision, call_hooks=True)
    except Exception:
        logger.exception("the hooks of job %s failed while it was ended, it is ended without them", job_id)
        return _end(job_id, condition, decision, call_hooks=False)


def _end(job_id: UUID, condition: Q, decision: Decision, *, call_hooks: bool) -> bool:
    with transaction.atomic():
        held = take(job_id, condition)
        if held is None:
            return False
        held.attempt = held.job.tries.filter(outcome=AttemptOutcome.RUNNING).last()
        settle(held, _work(held) if call_hooks else None, decision)
    return True


def _work(held: Claim) -> BaseJob | None:
    try:
        return job_class(held.job.name)(held, LeaseKeeper(held))
    except UnknownJob:
        return None
