"""BaseWebhookHookJob: checks one stored delivery and takes it apart for processing jobs."""

from __future__ import annotations

import hashlib
from abc import abstractmethod
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar, Unpack, cast

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from integrations.jobs.dispatch import DispatchOptions
from integrations.jobs.outcomes import Decision
from integrations.jobs.staged.page import Page
from integrations.jobs.staged.staging import StagingJob
from integrations.models import DeliveryStatus, Integration, WebhookDelivery
from integrations.sync.chunks import canonical
from synclogs.models import Job, JobQueue, SyncPhase, SyncTrigger
from synclogs.redaction import redact_text, redact_value


class BaseWebhookHookJob(StagingJob):
    """Takes one WebhookDelivery. A subclass writes `validate_webhook` and `split_webhook_data`.

    The run is the delivery's; its chunks may belong to several connections of the credential.
    """

    queue: ClassVar[JobQueue] = JobQueue.WEBHOOK
    timeout: ClassVar[int] = 60
    backoff: ClassVar[tuple[float, ...]] = (30, 120, 300)
    fetches: ClassVar[bool] = False

    delivery: WebhookDelivery
    unmatched = ""

    @abstractmethod
    def validate_webhook(self) -> None:
        """See that `self.delivery` is what it should be. Raises JobFailed when it is not.

        Sets `self.unmatched` to the reason when nothing is to be done with it: it is kept as ignored then.
        """

    @abstractmethod
    def split_webhook_data(self) -> Iterable[Page]:
        """Its data, each page for one connection; nothing when the delivery is of no use."""

    def dispatch_processing_jobs(self, chunks: Iterable[Page]) -> None:
        """Store the pages with the jobs that process them: all of the delivery, or nothing."""
        with transaction.atomic():
            for page in chunks:
                self.stage(page)

    def handle(self) -> str | None:
        """Read the delivery, check it, take it apart."""
        found = WebhookDelivery.objects.select_related("credential").filter(pk=self.args["delivery"]).first()
        if found is None:
            return "gone"
        self.delivery = found
        self.open_run()
        self.run.note(phase=SyncPhase.FETCHING)
        self.validate_webhook()
        if self.run.jobs_total == 0 and not self.unmatched:
            self.dispatch_processing_jobs(self.split_webhook_data())
        return None

    @property
    def integrations(self) -> list[Integration]:
        """The connections that the delivery may be for: the job's own, or all of the credential's."""
        if self.job.integration is not None:
            return [self.job.integration]
        connections = Integration.objects.filter(credential=self.delivery.credential, deleted_at__isnull=True)
        return list(connections.select_related("credential").order_by("pk"))

    @property
    def trigger(self) -> str:
        """A webhook, unless a person asked for it again."""
        return str(self.args.get("trigger", SyncTrigger.WEBHOOK))

    @property
    def lock_key(self) -> str | None:
        """None: deliveries do not wait for each other."""
        return None

    def on_succeeded(self) -> None:
        """The delivery is handed over; it counts as processed when its chunks are."""
        if self.claim.run is None:
            return
        self._set_status(DeliveryStatus.QUEUED)
        self._fetched()
        if self.unmatched:
            self._set_status(DeliveryStatus.IGNORED, error=redact_text(self.unmatched)[:500])

    def on_failed(self, decision: Decision) -> None:
        """Say on the delivery why it could not be taken apart."""
        self._set_status(DeliveryStatus.FAILED, error=redact_text(decision.message)[:500])
        if self.claim.run is not None:
            details = {"what_to_do": decision.actionable_message, "rule": decision.rule}
            self.claim.run.fail(decision.message, details, code=decision.code)

    def _set_status(self, status: DeliveryStatus, *, error: str = "") -> None:
        WebhookDelivery.objects.filter(pk=self.args["delivery"]).update(status=status, error=error)

    @classmethod
    def dispatch(  # type: ignore[override]
        cls,
        payload: Any = None,
        headers: Mapping[str, str] | None = None,
        integration: Integration | None = None,
        *,
        delivery: WebhookDelivery | None = None,
        **options: Unpack[DispatchOptions],
    ) -> Job:
        """Commit the job of a delivery: of one that is stored, or of a `payload` that is stored here.

        `payload` is the raw body, or a value that is stored as JSON. A body that was stored before is not
        stored again. Raises ValueError where it cannot be told whose the payload is.
        """
        args = dict(options.get("args") or {})
        if delivery is None and "delivery" not in args:
            delivery = _stored(cls.provider, payload, headers or {}, integration)
        if delivery is not None:
            args |= {"delivery": str(delivery.pk), "content": delivery.event_id[:64]}
            options["account"] = options.get("account") or delivery.account
        options["args"] = args
        return super().dispatch(integration, **options)

    @classmethod
    def unique_key(cls, integration: Integration | None, args: Mapping[str, Any]) -> str:
        """One delivery of a connection is one piece of work."""
        connection = getattr(integration, "pk", "-")
        return f"{cls.provider}_webhook_{connection}_{args.get('content', '')}_{args['delivery']}"


def _stored(
    provider: str, payload: Any, headers: Mapping[str, str], integration: Integration | None
) -> WebhookDelivery:
    if integration is None or integration.credential is None:
        raise ValueError("a payload needs a connection with a credential")
    body = bytes(payload) if isinstance(payload, bytes | bytearray | memoryview) else canonical(payload)
    digest = hashlib.sha256(body).hexdigest()
    delivery, new = WebhookDelivery.objects.get_or_create(
        credential=integration.credential,
        event_id=digest,
        defaults={
            "provider": provider,
            "account": integration.account,
            "received_at": timezone.now(),
            "headers": cast(dict[str, str], redact_value(dict(headers))),
            "body": body,
            "body_sha256": digest,
            "body_size": len(body),
        },
    )
    if not new:
        WebhookDelivery.objects.filter(pk=delivery.pk).update(duplicates=F("duplicates") + 1)
    return delivery
