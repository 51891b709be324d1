"""What fetch, hook and initialization jobs share: storing pages under the run's fence."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db import transaction
from django.db.models import F

from integrations.jobs.outcomes import Decision
from integrations.jobs.run_job import RunJob
from integrations.jobs.staged import run_ends
from integrations.jobs.staged.page import CursorMove, Page
from integrations.jobs.staged.storing import Source, store_chunks
from integrations.models import Integration, SyncCursor, WebhookDelivery
from integrations.sync.chunks import CHUNK_MAX_BYTES, CHUNK_MAX_ITEMS, split
from synclogs.counts import Counts
from synclogs.models import SyncPhase
from synclogs.models.run_end import MAX_ERROR_MESSAGE
from synclogs.redaction import redact_text


class StagingJob(RunJob):
    """A job that calls the vendor or takes a delivery apart, and writes no domain row.

    Its run goes on while the chunks are processed; the last of them ends it.
    """

    CHUNK_MAX_ITEMS: ClassVar[int] = CHUNK_MAX_ITEMS
    CHUNK_MAX_BYTES: ClassVar[int] = CHUNK_MAX_BYTES
    delivery: WebhookDelivery | None = None

    def stage(self, page: Page) -> None:
        """Store a page: chunks, their jobs, cursors and the run's bookkeeping, all or nothing.

        Raises RunFenced when another process has taken the run over.
        """
        self.check()
        integration = page.integration or self.integration
        chunks = split(
            page.items,
            max_items=self.CHUNK_MAX_ITEMS,
            max_bytes=self.CHUNK_MAX_BYTES,
            together=page.together,
        )
        with transaction.atomic():
            self.run.note(phase=SyncPhase.FETCHING)  # locks the run before any other row, as its end does
            source = Source(
                page.job,
                integration,
                self.run,
                page.context,
                delivery=self.delivery,
                received_at=self.delivery.received_at if self.delivery is not None else None,
            )
            stored = store_chunks(source, chunks)
            for move in page.cursors:
                self._move(integration, move)
            columns: dict[str, Any] = {"jobs_total": F("jobs_total") + stored.jobs}
            if page.checkpoint is not None:
                columns["checkpoint"] = dict(page.checkpoint)
            self.run.add_batch(Counts(skipped=stored.waiting_already), **columns)
        if page.checkpoint is not None:
            self.run.checkpoint = dict(page.checkpoint)

    def cursor(self, stream: str, partition: str = "") -> dict[str, Any]:
        """The state in which this stream was left; empty when it was never read."""
        states = SyncCursor.objects.filter(integration=self.integration, stream=stream, partition=partition)
        state: dict[str, Any] | None = states.values_list("state", flat=True).first()
        return state or {}

    def _move(self, integration: Integration, move: CursorMove) -> None:
        values = {"state": dict(move.state), "high_water": move.high_water}
        SyncCursor.objects.update_or_create(
            integration=integration, stream=move.stream, partition=move.partition, defaults=values
        )

    def _fetched_in_part(self, decision: Decision) -> None:
        """Nothing more comes because of an error; what was stored is processed all the same."""
        if self.claim.run is not None:
            self._fetched(
                error_code=decision.code,
                error_message=redact_text(decision.message)[:MAX_ERROR_MESSAGE],
                error_details={"what_to_do": decision.actionable_message, "rule": decision.rule},
            )

    def _fetched(self, **columns: Any) -> None:
        """Nothing more comes: let the next run start, and end this one when its chunks are done."""
        self.run = self.claim.run or self.run
        self.run.note(phase=SyncPhase.PROCESSING, lock_key=None, **columns)
        run_ends.end_if_done(self.run.pk)
        self.run.refresh_from_db()
