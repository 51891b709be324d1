"""Halving a chunk that took too long."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import orjson
from django.db.models import F
from django.utils import timezone

from integrations.jobs.staged.storing import Source, store_chunks
from integrations.models import RawPayload
from integrations.sync.chunks import halves
from synclogs.counts import Counts
from synclogs.models import SyncLog, SyncStatus

if TYPE_CHECKING:
    from integrations.jobs.staged.processing import BaseProcessingJob


def split(work: BaseProcessingJob, wait_s: float) -> None:
    """Put two halves with jobs of their own in place of a job's chunk, in the caller's transaction.

    They start after `wait_s` seconds; the job itself finds nothing left to do. A chunk of one item, or of
    items that belong together, stays as it is.
    """
    payload = RawPayload.objects.select_related("integration").get(pk=work.args["payload"])
    if payload.processed_at is not None or payload.halves.exists() or work.run is None:
        return
    items = orjson.loads(payload.body)
    parted = any(work.together(item) is not None for item in items[:1])
    chunks = halves(items, (lambda item: work.together(item) or "") if parted else None)
    if len(chunks) < 2:
        return
    source = Source(
        type(work),
        payload.integration,
        work.run,
        payload.context,
        delivery=payload.delivery,
        split_from=payload,
        received_at=payload.received_at,
        run_at=timezone.now() + timedelta(seconds=wait_s),
    )
    stored = store_chunks(source, chunks)
    counts = Counts(skipped=stored.waiting_already).as_columns()
    changes = {name: F(name) + value for name, value in counts.items() if value}
    run = SyncLog.objects.filter(pk=work.run.pk, sync_status=SyncStatus.STARTED)
    run.update(jobs_total=F("jobs_total") + stored.jobs, **changes)
