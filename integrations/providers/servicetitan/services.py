"""What commands, admin actions and schedules do with ServiceTitan: each is one call."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from django.db import transaction

from accounts.models import User
from integrations.jobs.foreground import run_in_foreground
from integrations.jobs.outcomes import Next
from integrations.providers.servicetitan.client import ServiceTitanClient
from integrations.providers.servicetitan.config import DataType, SyncConfiguration, SyncResult
from integrations.providers.servicetitan.job import SyncServiceTitanJob
from integrations.providers.servicetitan.models import ServiceTitanCredential
from integrations.providers.servicetitan.selection import Filters, failed_runs, scheduled_credentials
from synclogs.models import Job, JobQueue, SyncLog, SyncTrigger
from synclogs.progress import Reporter, SilentReporter


class ServiceTitanIntegrationService:
    """Syncs credentials in this process, under a job and its lease like a worker."""

    def synchronize_data(
        self,
        credential: ServiceTitanCredential,
        config: SyncConfiguration,
        reporter: Reporter | None = None,
    ) -> SyncResult:
        """Sync one credential to the end.

        Raises SyncAlreadyRunning when a run of it is going on; InvalidCredentialsError (the credential is
        marked then), ServiceTitanApiError with its RateLimitExceededError and SyncTimeoutError, and whatever
        else went wrong, after the run has ended as failed with the counts so far.
        """
        job, decision = run_in_foreground(
            SyncServiceTitanJob,
            account=credential.account,
            integration=credential.integration,
            args=config.as_args(),
            reporter=reporter or SilentReporter(),
        )
        if decision.next is Next.SUCCEED:
            return SyncResult.of(SyncLog.objects.filter(job=job).latest("started_at"))
        raise decision.error or RuntimeError(f"the sync ended without a reason: {decision.rule}")

    def mark_credential_as_error(self, credential: ServiceTitanCredential, message: str) -> None:
        """Take a credential that ServiceTitan refuses out of the scheduled syncs."""
        credential.mark_needs_attention(message)


def queue_sync(
    credential: ServiceTitanCredential,
    config: SyncConfiguration,
    triggered_by: User | None = None,
) -> Job:
    """Queue a sync for a worker; an open job of the same credential and data type is returned instead."""
    return SyncServiceTitanJob.dispatch(
        account=credential.account,
        integration=credential.integration,
        args=config.as_args(),
        queue=JobQueue.HIGH_PRIORITY if triggered_by else None,
        triggered_by=triggered_by,
    )


def queue_scheduled_syncs(filters: Filters, data_type: DataType = DataType.BOTH) -> list[Job]:
    """Queue a sync of each credential that is due, all or none."""
    config = SyncConfiguration(data_type, SyncTrigger.SCHEDULED, incremental_only=True)
    with transaction.atomic():
        return [queue_sync(credential, config) for credential in scheduled_credentials(filters)]


def queue_retries(
    *,
    max_age_hours: int | None = 24,
    of: Iterable[UUID] | None = None,
    triggered_by: User | None = None,
) -> list[Job]:
    """Queue a retry of each failed sync that nobody made up for, all or none; see `failed_runs`."""
    with transaction.atomic():
        return [
            queue_sync(
                retry.credential,
                SyncConfiguration(
                    DataType(retry.run.sync_type),
                    SyncTrigger.RETRY,
                    incremental_only=True,
                    retry_of=retry.run,
                ),
                triggered_by,
            )
            for retry in failed_runs(max_age_hours=max_age_hours, of=of)
        ]


def check_credential(credential: ServiceTitanCredential) -> None:
    """Ask for a token and the cheapest page with it, whatever the credential's status.

    Raises InvalidCredentialsError, another ServiceTitanError, or SecretUnreadable.
    """
    with ServiceTitanClient(credential) as client:
        client.look()
