"""Processing stored payloads again: a failed chunk, or many after a mapping was mended."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import Any
from uuid import UUID

from django.db import transaction

from accounts.models import User
from integrations.jobs import delivery
from integrations.jobs.registry import UnknownJob, job_class_of
from integrations.jobs.staged.storing import content_key_of
from integrations.models import RawPayload
from integrations.sync.among import Among
from synclogs.models import OPEN_JOB_STATUSES, Job, JobQueue, SyncLog, SyncPhase


def replay(payloads: Iterable[RawPayload], trigger: str, user: User | None = None) -> list[Job]:
    """Process these payloads again, one run for each connection and kind. Returns the jobs.

    What is waiting to be processed anyway keeps its job. Rows that newer payloads have written stay as they
    are. Raises UnknownJob for a kind that is not known any more.
    """
    chosen = sorted(payloads, key=lambda each: (each.integration_id, each.kind, each.received_at))
    jobs: list[Job] = []
    for _, group in groupby(chosen, key=lambda each: (each.integration_id, each.kind)):
        jobs += process_again(list(group), trigger, user)
    return jobs


def process_again(
    payloads: Sequence[RawPayload],
    trigger: str,
    user: User | None = None,
    *,
    queue: JobQueue | None = None,
    retry_of: Job | None = None,
) -> list[Job]:
    """Jobs that process payloads of one connection and kind again, in a run of their own."""
    first = payloads[0]
    cls = job_class_of(first.integration.provider, first.kind)
    if cls is None:
        raise UnknownJob(f"nothing processes {first.kind!r} of {first.integration.provider} any more")
    jobs = []
    for payload in payloads:
        args: dict[str, Any] = {
            "payload": str(payload.pk),
            "content": content_key_of(payload),
            "trigger": trigger,
        }
        if user is not None:
            args["triggered_by"] = user.pk
        job = Job(
            account_id=payload.account_id,
            integration=payload.integration,
            queue=queue or cls.queue,
            name=cls.name,
            provider=cls.provider,
            job_type=cls.job_type,
            unique_key=cls.unique_key(payload.integration, args),
            args=args,
            retry_of=retry_of,
        )
        jobs.append(job)
    with transaction.atomic():
        return _queue(payloads, {job.unique_key: job for job in jobs}, trigger, user)


def _queue(
    payloads: Sequence[RawPayload], jobs: dict[str, Job], trigger: str, user: User | None
) -> list[Job]:
    first = payloads[0]
    open_jobs = Job.objects.select_for_update().filter(
        Among("unique_key", list(jobs)), status__in=OPEN_JOB_STATUSES
    )
    waiting = {job.unique_key: job for job in open_jobs}
    new = [job for key, job in jobs.items() if key not in waiting]
    if new:
        run = SyncLog.objects.start(
            first.kind,
            trigger,
            account=first.account,
            provider=first.integration.provider,
            integration=first.integration,
            triggered_by=user,
            context={"payloads": len(new)},
            retry_of=first.run,
        )
        SyncLog.objects.filter(pk=run.pk).update(phase=SyncPhase.PROCESSING, jobs_total=len(new))
        again = [UUID(job.args["payload"]) for job in new]
        RawPayload.objects.filter(Among("pk", again)).update(processed_at=None, expires_at=None)
        for job in new:
            job.run = run
            job.enqueued_at = job.run_at
        Job.objects.bulk_create(new)
        delivery.deliver(new)
    return [*waiting.values(), *new]
