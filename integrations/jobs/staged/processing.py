"""BaseProcessingJob: turns one stored chunk into rows, all or nothing. It never calls a vendor."""

from __future__ import annotations

import logging
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, ClassVar, Unpack

import orjson
from django.conf import settings
from django.db import transaction
from django.db.models import Exists, F, OuterRef
from django.utils import timezone

from integrations.http.errors import Action, Fault, IntegrationError
from integrations.jobs.base import BaseJob
from integrations.jobs.dispatch import DispatchOptions
from integrations.jobs.outcomes import Decision, JobCancelled, LeaseLost
from integrations.jobs.staged import duplicates, replay, run_ends, splitting
from integrations.models import DeliveryStatus, Integration, RawPayload, WebhookDelivery
from integrations.sync.records import Refused
from synclogs.counts import Counts
from synclogs.issues import IssueBook
from synclogs.models import Job, JobQueue, JobStatus, SyncLog, SyncStatus, SyncTrigger

logger = logging.getLogger("syncplatform.jobs")


class AllItemsRefused(IntegrationError):
    """Not one item of a chunk could be taken: rather the mapping or the vendor's format than the items."""

    code = "all_items_refused"
    action = Action.RETRY
    fault = Fault.DATA
    summary = "no item of this chunk could be taken"
    actionable_message = "Read the issues of the run: if all say the same, the vendor's format has changed."


@dataclass(slots=True)
class Processed:
    """What became of a chunk's items."""

    counts: Counts = field(default_factory=Counts)
    refused: list[Refused] = field(default_factory=list)


class BaseProcessingJob(BaseJob):
    """Takes one RawPayload in. A subclass writes `process`; its `job_type` is the payloads' kind.

    What takes time belongs into `read`, which is called before the transaction of the chunk.

    Whatever happens twice leaves the same rows: a payload that was processed is not processed again, and the
    rows, the run's counts, the issues and the payload's mark are one transaction under the job's claim.
    """

    queue: ClassVar[JobQueue] = JobQueue.PROCESS
    timeout: ClassVar[int] = 300
    backoff: ClassVar[tuple[float, ...]] = (120, 300)
    fetches: ClassVar[bool] = False

    payload: RawPayload
    _refused: Sequence[Refused] = ()

    def read(self, items: Sequence[Any]) -> None:
        """Make of the items what `process` writes; nothing is locked yet."""

    @abstractmethod
    def process(self, items: Sequence[Any]) -> Processed:
        """Write the items' rows, in the chunk's transaction. `self.payload.context` is what the page said."""

    def together(self, item: Any) -> str | None:
        """What items share that must not be parted when a chunk is halved; None where each stands alone."""
        return None

    def handle(self) -> str | None:
        """Take the payload in, unless that is done, or the same content was taken in just before."""
        known = RawPayload.objects.select_related("integration__credential")
        payload = known.filter(pk=self.args["payload"]).first()
        if payload is None:
            return "gone"
        if payload.processed_at is not None:
            return "done before"
        self.payload = payload
        if self.run is not None and self.run.sync_status == SyncStatus.CANCELLED:
            raise JobCancelled("its run was cancelled", rule="run cancelled")
        if payload.halves.exists():
            return self._close("split", None)
        if duplicates.is_duplicate(self.job):
            logger.info("job %s: the same content was processed within the last hour", self.job.pk)
            return self._close("skipped", Counts(skipped=payload.item_count))
        return self._take_in(orjson.loads(payload.body))

    @property
    def run(self) -> SyncLog | None:
        """The run that the chunk is counted in, which may have ended already."""
        return self.job.run

    @property
    def integration(self) -> Integration:
        """The connection that the chunk came from."""
        return self.payload.integration

    def _take_in(self, items: list[Any]) -> str | None:
        self.read(items)
        with transaction.atomic():
            self._hold()
            done = self.process(items)
            self._refused = done.refused
            if items and len(done.refused) == len(items):
                raise AllItemsRefused(f"{self.payload.kind}: {done.refused[0].error}")
            self._account_for(done.counts, done.refused)
        return None

    def _close(self, result: str, counts: Counts | None) -> str:
        with transaction.atomic():
            self._hold()
            self._account_for(counts or Counts(), ())
        return result

    def _hold(self) -> None:
        """Lock the job's row under the claim: whoever has lost the job writes nothing."""
        mine = Job.objects.filter(pk=self.job.pk, lease_token=self.claim.token, status=JobStatus.RUNNING)
        if not mine.select_for_update().values_list("pk").first():
            raise LeaseLost(f"the lease of job {self.job.pk} lapsed before its chunk was written")

    def _account_for(self, counts: Counts, refused: Sequence[Refused]) -> None:
        """Issues, the run's counts and the payload's mark; the run first, as whoever stores chunks does."""
        self._note(counts, refused)
        kept = timedelta(days=settings.RETENTION_RAW_PAYLOADS_DAYS)
        now = timezone.now()
        RawPayload.objects.filter(pk=self.payload.pk).update(processed_at=now, expires_at=now + kept)
        if self.payload.delivery_id is not None:
            self._mend_delivery()

    def _mend_delivery(self) -> None:
        """A delivery whose last failed chunk was taken in after all counts as processed."""
        missing = RawPayload.objects.filter(delivery=OuterRef("pk"), processed_at__isnull=True)
        mended = WebhookDelivery.objects.filter(
            ~Exists(missing), raw_payloads=self.payload, status=DeliveryStatus.FAILED
        )
        mended.update(status=DeliveryStatus.PROCESSED, processed_at=timezone.now(), error="")

    def _note(self, counts: Counts, refused: Sequence[Refused]) -> None:
        run = self.run
        if run is None:
            return
        changes = {name: F(name) + value for name, value in counts.as_columns().items() if value}
        if changes:
            open_run = SyncLog.objects.filter(pk=run.pk, sync_status=SyncStatus.STARTED)
            open_run.update(updated_at=timezone.now(), **changes)
        IssueBook(run, self.job_type, self.payload.context.get("partition", "")).add(refused)

    def on_succeeded(self) -> None:
        """Count the chunk in its run; the last one ends it."""
        self._end_chunk(ok=True)

    def on_failed(self, decision: Decision) -> None:
        """Count the chunk as failed. The connection is not to blame; the payload is kept for a replay."""
        if isinstance(decision.error, AllItemsRefused):
            self._hold()
            self._note(Counts(failed=len(self._refused)), self._refused)
        self._end_chunk(ok=False)

    def on_cancelled(self) -> None:
        """A chunk that was cancelled is missing from its run."""
        self._end_chunk(ok=False)

    def on_waiting(self, decision: Decision) -> None:
        """After a timeout the chunk's halves take its place, each a job of its own."""
        if decision.code == "timeout":
            self._hold()
            splitting.split(self, decision.wait_s or 0.0)

    def _end_chunk(self, *, ok: bool) -> None:
        if self.job.run_id is not None:
            self._hold()
            run_ends.chunk_ended(self.job.run_id, ok=ok)

    @classmethod
    def dispatch(
        cls,
        integration: Integration | None = None,
        **options: Unpack[DispatchOptions],
    ) -> Job:
        """Process `args["payload"]` again, as a run of its own. Raises LookupError when it is gone."""
        args = dict(options.get("args") or {})
        payload = (
            RawPayload.objects.select_related("integration", "account").filter(pk=args["payload"]).first()
        )
        if payload is None:
            raise LookupError(
                f"payload {args['payload']} is gone: it was pruned or its connection was removed"
            )
        return replay.process_again(
            [payload],
            str(args.get("trigger", SyncTrigger.MANUAL)),
            options.get("triggered_by"),
            queue=options.get("queue"),
            retry_of=options.get("retry_of"),
        )[0]

    @classmethod
    def unique_key(cls, integration: Integration | None, args: Mapping[str, Any]) -> str:
        """The same content of a connection is the same work."""
        connection = getattr(integration, "pk", "-")
        return f"{cls.provider}_{cls.job_type}_{connection}_{args['content']}"
