"""Which credentials a scheduled sync takes, and which failed runs a retry takes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.db.models.functions import Coalesce, Now
from django.utils import timezone

from integrations.providers.servicetitan.config import DataType
from integrations.providers.servicetitan.models import CredentialState, ServiceTitanCredential
from integrations.providers.servicetitan.models.credential import WORKING_ACCOUNT
from integrations.providers.servicetitan.slug import PROVIDER
from synclogs.models import JobStatus, SyncLog, SyncStatus

GOOD_ENDS = (SyncStatus.COMPLETED, SyncStatus.WARNING)


@dataclass(frozen=True, slots=True)
class Filters:
    """What a scheduled sync is limited to; all of it must hold. None limits nothing."""

    environment: str | None = None
    company_id: int | None = None
    credential_id: UUID | None = None


def scheduled_credentials(filters: Filters) -> list[ServiceTitanCredential]:
    """The credentials to sync now, in their order: never synced first, then the oldest success.

    Their account works, they are active, scheduled and not paused, nothing syncs them now, and their interval
    has passed. One that is named by its id need not be due. A run whose process has died does not count: the
    next sync takes it up.
    """
    died = Q(job__status=JobStatus.RUNNING, job__lease_until__lt=Now())
    open_runs = SyncLog.objects.filter(~died, integration=OuterRef("integration"), lock_key__isnull=False)
    found = (
        ServiceTitanCredential.objects.filter(
            WORKING_ACCOUNT,
            ~Exists(open_runs),
            status=CredentialState.ACTIVE,
            scheduled_sync_enabled=True,
            integration__paused=False,
        )
        .select_related("account", "integration")
        .order_by(F("last_successful_sync_at").asc(nulls_first=True), "id")
    )
    if filters.environment is not None:
        found = found.filter(environment=filters.environment)
    if filters.company_id is not None:
        found = found.filter(account=filters.company_id)
    if filters.credential_id is not None:
        return list(found.filter(pk=filters.credential_id))
    return [credential for credential in found if credential.is_due()]


def recent_runs(
    *, company_id: int | None = None, status: str | None = None, hours: int | None = None
) -> QuerySet[SyncLog]:
    """ServiceTitan's runs, newest first."""
    runs = SyncLog.objects.filter(provider=PROVIDER).select_related("account").order_by("-started_at", "-id")
    if company_id is not None:
        runs = runs.filter(account=company_id)
    if status is not None:
        runs = runs.filter(sync_status=status)
    if hours is not None:
        runs = runs.filter(started_at__gte=timezone.now() - timedelta(hours=hours))
    return runs


@dataclass(frozen=True, slots=True)
class Retry:
    """A failed run, and the credential to try it again with."""

    run: SyncLog
    credential: ServiceTitanCredential


def failed_runs(
    *, max_age_hours: int | None = 24, exclude_auth_errors: bool = False, of: Iterable[UUID] | None = None
) -> list[Retry]:
    """The failed runs that are worth another try, oldest first; of a credential and data type the newest.

    Left out are runs that were retried or made up for by a later one, and those of disabled credentials and
    of accounts that do not work. `of` limits it to some credentials; `max_age_hours` None takes runs of any
    age.
    """
    age = None if max_age_hours is None else timedelta(hours=max_age_hours)
    failed = _unretried(age)
    if exclude_auth_errors:
        failed = failed.exclude(error_code="auth")
    credentials = _credentials(of)
    newest: dict[tuple[int, str], Retry] = {}
    for run in failed:
        credential = credentials.get(run.integration_id or 0)
        if credential is not None:
            newest.setdefault((credential.integration_id, run.sync_type), Retry(run, credential))
    return sorted(_without_made_up(list(newest.values())), key=lambda retry: retry.run.started_at)


def _unretried(age: timedelta | None) -> QuerySet[SyncLog]:
    """Failed runs that no other run tries again, ended within this time, newest first."""
    since = datetime(2000, 1, 1, tzinfo=UTC) if age is None else timezone.now() - age
    return (
        SyncLog.objects.filter(
            ~Exists(SyncLog.objects.filter(retry_of=OuterRef("pk"))),
            provider=PROVIDER,
            sync_status=SyncStatus.FAILED,
            sync_type__in=[data_type.value for data_type in DataType],
        )
        .alias(ended=Coalesce("completed_at", "started_at"))
        .filter(ended__gte=since)
        .select_related("account", "integration")
        .order_by("-started_at", "-id")
    )


def _credentials(of: Iterable[UUID] | None) -> dict[int, ServiceTitanCredential]:
    """Those that may be tried, by their connection."""
    rows = ServiceTitanCredential.objects.filter(WORKING_ACCOUNT).exclude(status=CredentialState.DISABLED)
    if of is not None:
        rows = rows.filter(pk__in=list(of))
    return {row.integration_id: row for row in rows.select_related("account", "integration")}


def _without_made_up(retries: list[Retry]) -> list[Retry]:
    """Leave out those after which the same was synced well or is being synced. One query."""
    if not retries:
        return []
    first = min(retry.run.started_at for retry in retries)
    later = SyncLog.objects.filter(
        provider=PROVIDER,
        integration__in=[retry.credential.integration_id for retry in retries],
        sync_status__in=(*GOOD_ENDS, SyncStatus.STARTED),
        started_at__gte=first,
    ).values_list("integration_id", "sync_type", "sync_status", "started_at")
    good = list(later)

    def is_made_up(retry: Retry) -> bool:
        return any(
            integration == retry.credential.integration_id
            and DataType(sync_type).covers(retry.run.sync_type)
            and (status == SyncStatus.STARTED or started_at > retry.run.started_at)
            for integration, sync_type, status, started_at in good
        )

    return [retry for retry in retries if not is_made_up(retry)]
