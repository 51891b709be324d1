"""Storing chunks with the jobs that process them, in the caller's transaction."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.utils import timezone

from integrations.jobs import delivery
from integrations.models import Integration, RawPayload, WebhookDelivery
from integrations.sync.among import Among
from integrations.sync.chunks import Chunk, canonical
from synclogs.models import OPEN_JOB_STATUSES, Job, JobQueue, SyncLog

if TYPE_CHECKING:
    from integrations.jobs.staged.processing import BaseProcessingJob


@dataclass(frozen=True, slots=True)
class Source:
    """Where chunks come from, and where they belong."""

    job: type[BaseProcessingJob]
    integration: Integration
    run: SyncLog
    context: Mapping[str, Any]
    delivery: WebhookDelivery | None = None
    split_from: RawPayload | None = None
    received_at: datetime | None = None
    run_at: datetime | None = None
    queue: JobQueue | None = None


@dataclass(frozen=True, slots=True)
class Stored:
    """How many jobs were made, and how many items an open job of the same content has already."""

    jobs: int = 0
    waiting_already: int = 0


def content_key(kind: str, context: Mapping[str, Any], sha256: str) -> str:
    """What makes two chunks of a connection the same, as 32 hex digits."""
    return hashlib.sha256(canonical([kind, context, sha256])).hexdigest()[:32]


def content_key_of(payload: RawPayload) -> str:
    """The same of a chunk that is stored."""
    return content_key(payload.kind, payload.context, payload.sha256)


def store_chunks(source: Source, chunks: Iterable[Chunk]) -> Stored:
    """Store chunks and their jobs. A chunk whose content an open job has is left to that job.

    A number of statements that does not depend on the number of items.
    """
    items = 0
    by_key: dict[str, Chunk] = {}
    for chunk in chunks:
        items += chunk.item_count
        by_key[content_key(source.job.job_type, source.context, chunk.sha256)] = chunk
    if not by_key:
        return Stored()
    with transaction.atomic():
        jobs = [_job(source, key) for key in by_key]
        taken = _open_jobs(job.unique_key for job in jobs)
        _receive_again(taken.values(), source)
        new = [job for job in jobs if job.unique_key not in taken]
        chunk_of = {job.pk: by_key[job.args["content"]] for job in new}
        RawPayload.objects.bulk_create(_payload(source, job, chunk_of[job.pk]) for job in new)
        Job.objects.bulk_create(new, ignore_conflicts=True)
        made = set(Job.objects.filter(Among("pk", [job.pk for job in new])).values_list("pk", flat=True))
        lost = [job for job in new if job.pk not in made]
        if lost:  # another process stored the same content at this very moment
            RawPayload.objects.filter(Among("pk", [_payload_id(job) for job in lost])).delete()
        due = [job for job in new if job.pk in made and job.enqueued_at is not None]
        if due:
            delivery.deliver(due)
    return Stored(len(made), items - sum(chunk_of[pk].item_count for pk in made))


def _open_jobs(keys: Iterable[str]) -> dict[str, Job]:
    jobs = Job.objects.filter(Among("unique_key", list(keys)), status__in=OPEN_JOB_STATUSES)
    return {job.unique_key: job for job in jobs.only("unique_key", "args")}


def _receive_again(jobs: Iterable[Job], source: Source) -> None:
    """What waits to be processed is as new as the same content that has just come."""
    payloads = [_payload_id(job) for job in jobs]
    if payloads:
        received_at = source.received_at or timezone.now()
        RawPayload.objects.filter(Among("pk", payloads)).update(received_at=received_at)


def _payload_id(job: Job) -> Any:
    return RawPayload._meta.pk.to_python(job.args["payload"])


def _job(source: Source, key: str) -> Job:
    now = timezone.now()
    job = Job(
        account_id=source.integration.account_id,
        integration=source.integration,
        run=source.run,
        queue=source.queue or source.job.queue,
        name=source.job.name,
        provider=source.job.provider,
        job_type=source.job.job_type,
        run_at=source.run_at or now,
        enqueued_at=now if source.run_at is None or source.run_at <= now else None,
    )
    job.args = {"payload": str(job.pk), "content": key, "trigger": source.run.sync_trigger}
    job.unique_key = source.job.unique_key(source.integration, job.args)
    return job


def _payload(source: Source, job: Job, chunk: Chunk) -> RawPayload:
    """The payload has the id of its first job: one thing less to look up."""
    return RawPayload(
        pk=job.pk,
        account_id=source.integration.account_id,
        integration=source.integration,
        run=source.run,
        delivery=source.delivery,
        split_from=source.split_from,
        kind=source.job.job_type,
        context=dict(source.context),
        body=chunk.body,
        sha256=chunk.sha256,
        item_count=chunk.item_count,
        byte_size=chunk.byte_size,
        received_at=source.received_at or timezone.now(),
    )
