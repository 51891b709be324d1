"""What operators do with deliveries: commands and admin actions call these."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db.models import Q, QuerySet
from django.utils import timezone

from accounts.models import User
from integrations.jobs.operations import NotPossible
from integrations.models import Credential, DeliveryStatus, WebhookDelivery
from integrations.registry import webhook_of
from integrations.webhooks.declaration import Webhook
from integrations.webhooks.keys import current_key
from integrations.webhooks.messages import Head, Reply
from integrations.webhooks.receive import admit, answer, deny
from synclogs.models import Job, SyncTrigger

UNFINISHED = (DeliveryStatus.RECEIVED, DeliveryStatus.QUEUED, DeliveryStatus.FAILED)


@dataclass(frozen=True, slots=True)
class Selection:
    """Which deliveries: of a provider, an account, in some statuses, received from `since` until `until`."""

    provider: str = ""
    account_id: int | None = None
    statuses: tuple[str, ...] = ()
    since: datetime | None = None
    until: datetime | None = None

    def rows(self) -> QuerySet[WebhookDelivery]:
        """They, newest first; without their bodies, which may be long."""
        rows = WebhookDelivery.objects.defer("body").select_related("credential", "account")
        wanted = {
            "provider": self.provider or None,
            "account": self.account_id,
            "status__in": self.statuses or None,
            "received_at__gte": self.since,
            "received_at__lt": self.until,
        }
        return rows.filter(**{name: value for name, value in wanted.items() if value is not None})


@dataclass(slots=True)
class Replayed:
    """The jobs that were queued, and why other deliveries were not, by their id."""

    jobs: list[Job] = field(default_factory=list)
    refused: dict[str, str] = field(default_factory=dict)


def replay(delivery: WebhookDelivery, user: User | None = None, *, reprocess: bool = False) -> Job:
    """Queue the job of a stored delivery again; one that is open already is returned.

    Content that was processed within the hour is skipped, unless `reprocess`. Raises NotPossible for a
    refused delivery, which has no body, and for a provider that takes no webhooks any more.
    """
    if delivery.status == DeliveryStatus.REJECTED or delivery.account is None:
        raise NotPossible("it was refused, and nothing of a refused delivery is kept.")
    webhook = webhook_of(delivery.provider)
    if webhook is None:
        raise NotPossible(f"{delivery.provider} takes no webhooks any more.")
    trigger = SyncTrigger.RETRY if reprocess else SyncTrigger.WEBHOOK
    job = webhook.job.dispatch(
        account=delivery.account,
        args={
            "delivery": str(delivery.pk),
            "content": delivery.event_id[:64],
            "trigger": trigger.value,
        },
        triggered_by=user,
    )
    WebhookDelivery.objects.filter(pk=delivery.pk).update(
        status=DeliveryStatus.QUEUED, error="", processed_at=None
    )
    return job


def replay_many(
    deliveries: Iterable[WebhookDelivery], user: User | None = None, *, reprocess: bool = False
) -> Replayed:
    """Replay each, oldest first; one that cannot be does not stop the others."""
    done = Replayed()
    for delivery in sorted(deliveries, key=lambda each: each.received_at):
        try:
            done.jobs.append(replay(delivery, user, reprocess=reprocess))
        except NotPossible as error:
            done.refused[str(delivery.pk)] = str(error)
    return done


def replayable() -> Q:
    """Deliveries whose body is there."""
    return ~Q(status=DeliveryStatus.REJECTED)


def deliver_file(credential: Credential, body: bytes, headers: Mapping[str, str] | None = None) -> Reply:
    """Put a body through the receiver as the vendor would send it to this credential, signed and all.

    For fixtures: in this process and without any server. Raises LookupError when the provider takes no
    webhooks or the credential cannot sign.
    """
    webhook = webhook_of(credential.provider)
    if webhook is None:
        raise LookupError(f"{credential.provider} takes no webhooks")
    now = timezone.now()
    signed = webhook.verify.sign(body, credential.secrets or {}, now)
    sent: dict[str, Any] = {
        "content-type": next(iter(sorted(webhook.content_types)), "application/octet-stream"),
        "content-length": str(len(body)),
        **{name.lower(): value for name, value in (headers or {}).items()},
        **{name.lower(): value for name, value in signed.items()},
    }
    head = Head(credential.provider, current_key(credential), "POST", sent, now)
    admitted = admit(head)
    return answer(head, admitted, body) if isinstance(admitted, Webhook) else deny(head, admitted)
