"""Whether a connection is due, and if not, why: one rule after the other."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from django.db.models import QuerySet

from integrations import registry
from integrations.jobs import breaker
from integrations.jobs.connection_health import frequency
from integrations.models import CredentialStatus, Integration
from integrations.polling import routing
from synclogs.models import OPEN_JOB_STATUSES, Job, SyncLog, SyncStatus

OAUTH = "oauth"
LEAST_PROCESSING, MOST_PROCESSING = timedelta(minutes=5), timedelta(minutes=30)


class Skip(StrEnum):
    """Why a connection is not polled now, in the order in which the rules are asked."""

    INACTIVE = "inactive"
    UNKNOWN_TYPE = "unknown_type"
    WEBHOOK_ONLY = "webhook_only"
    NO_TOKEN = "no_token"  # noqa: S105
    NOT_DUE = "not_due"
    PROCESSING = "processing"
    TOO_SOON = "too_soon"
    MIGRATION_ACTIVE = "migration_active"
    CIRCUIT_OPEN = "circuit_open"
    COOLING_DOWN = "cooling_down"


@dataclass(frozen=True, slots=True)
class Busy:
    """Connections, and credentials, whose history is being read or whose data is being migrated."""

    integrations: frozenset[int]
    credentials: frozenset[int]

    def holds(self, integration: Integration) -> bool:
        """Whether this one, or another of its credential, is busy."""
        return integration.pk in self.integrations or integration.credential_id in self.credentials


def polled() -> QuerySet[Integration]:
    """The connections that are looked at: those of providers that are polled."""
    slugs = [provider.slug for provider in registry.all_providers() if provider.polled]
    found = Integration.objects.filter(provider__in=slugs, deleted_at__isnull=True)
    return found.select_related("account", "credential").order_by("pk")


def busy_connections() -> Busy:
    """Those of which an initialization or a migration is under way: two queries."""
    jobs = Job.objects.filter(
        name__in=routing.init_job_names(), status__in=OPEN_JOB_STATUSES, integration__isnull=False
    )
    runs = SyncLog.objects.filter(
        sync_status=SyncStatus.STARTED, sync_type__startswith="migration_", integration__isnull=False
    )
    pairs = [
        *jobs.values_list("integration_id", "integration__credential_id"),
        *runs.values_list("integration_id", "integration__credential_id"),
    ]
    return Busy(_known(pk for pk, _ in pairs), _known(pk for _, pk in pairs))


def why_not(integration: Integration, now: datetime, busy: Busy) -> Skip | None:
    """The first rule that speaks against polling this connection at `now`; None when it is due."""
    if not _is_active(integration):
        return Skip.INACTIVE
    return _unreachable(integration) or _not_yet(integration, now) or _held_back(integration, now, busy)


def _is_active(integration: Integration) -> bool:
    credential = integration.credential
    usable = credential is None or credential.status == CredentialStatus.ACTIVE
    return (
        integration.deleted_at is None and not integration.paused and usable and integration.account.is_active
    )


def _unreachable(integration: Integration) -> Skip | None:
    found = routing.instance_type_of(integration)
    if found is None:
        return Skip.UNKNOWN_TYPE
    if found.fetch is None:
        return Skip.WEBHOOK_ONLY
    if registry.get_provider(integration.provider).kind != OAUTH:
        return None
    credential = integration.credential
    return Skip.NO_TOKEN if credential is None or not credential.secret("access_token") else None


def _not_yet(integration: Integration, now: datetime) -> Skip | None:
    every = frequency(integration)
    success, triggered = integration.last_successful_update_at, integration.last_triggered_at
    if success is not None and now < success + every:
        return Skip.NOT_DUE
    if triggered is not None:
        within = min(max(every, LEAST_PROCESSING), MOST_PROCESSING)
        if now < triggered + within and (success is None or triggered > success):
            return Skip.PROCESSING
        if now < triggered + every:
            return Skip.TOO_SOON
    return None


def _held_back(integration: Integration, now: datetime, busy: Busy) -> Skip | None:
    if busy.holds(integration):
        return Skip.MIGRATION_ACTIVE
    if breaker.is_open(integration):
        return Skip.CIRCUIT_OPEN
    if integration.next_attempt_at is not None and now < integration.next_attempt_at:
        return Skip.COOLING_DOWN
    return None


def _known(pks: Iterable[int | None]) -> frozenset[int]:
    return frozenset(pk for pk in pks if pk is not None)
