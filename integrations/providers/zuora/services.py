"""What the command, the admin and tests do with customers: each is one call."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.utils import timezone

from accounts.models import User
from integrations.jobs import qcluster
from integrations.jobs.foreground import run_in_foreground
from integrations.jobs.outcomes import Decision, Next
from integrations.models import Integration, IntegrationStatus
from integrations.providers.zuora.access import Access
from integrations.providers.zuora.client import ZuoraClient
from integrations.providers.zuora.errors import ZuoraAuthenticationError
from integrations.providers.zuora.jobs import SyncCustomerWorkflows, sync_args
from integrations.providers.zuora.models import CustomerStatus, ZuoraCustomer
from synclogs.models import Job, JobQueue, JobStatus, SyncAlreadyRunning, SyncTrigger
from synclogs.progress import Reporter


@dataclass(frozen=True, slots=True)
class Synced:
    """What came of a sync in this process; `problem` is empty when it was good."""

    job: Job | None = None
    decision: Decision | None = None
    problem: str = ""


def queue_sync(
    customer: ZuoraCustomer,
    *,
    force: bool = False,
    queue: JobQueue = JobQueue.WORKFLOWS,
    run_at: datetime | None = None,
    triggered_by: User | None = None,
    trigger: str = SyncTrigger.MANUAL,
) -> Job:
    """Queue a sync of a customer for `run_at` (None: now); an open job of the same work is returned instead.

    A job that was only waiting for its later moment is brought forward.
    """
    job = SyncCustomerWorkflows.dispatch(
        customer.pk,
        force,
        args={"trigger": str(trigger)},
        run_at=run_at,
        queue=queue,
        triggered_by=triggered_by,
    )
    if run_at is None:
        _bring_forward(job)
    return job


def sync_now(
    customer: ZuoraCustomer, reporter: Reporter, *, force: bool = False, trigger: str = SyncTrigger.MANUAL
) -> Synced:
    """Sync a customer in this process, as the same job that a worker would run."""
    args = sync_args(customer.pk, force=force) | {"trigger": str(trigger)}
    _bring_forward_same_work(customer, force=force)
    try:
        job, decision = run_in_foreground(
            SyncCustomerWorkflows,
            account=customer.account,
            integration=customer.integration,
            args=args,
            reporter=reporter,
        )
    except SyncAlreadyRunning:
        return Synced(problem="a sync of this customer is going on already")
    if decision.next is Next.SUCCEED:
        return Synced(job, decision)
    waits = (
        f"; it is tried again at {job.run_at:%Y-%m-%d %H:%M:%S} UTC" if decision.wait_s is not None else ""
    )
    return Synced(job, decision, problem=f"{decision.message or decision.reason}{waits}")


def is_queue_available(queue: str) -> bool:
    """Whether the broker that carries a queue's jobs answers."""
    return qcluster.is_reachable(queue)


def test_connection(customer: ZuoraCustomer) -> None:
    """Ask for a new token and one page. Raises IntegrationError or SecretUnreadable when that fails.

    A refused client is marked as needing attention.
    """
    try:
        with ZuoraClient(Access.of(customer)) as client:
            client.check()
    except ZuoraAuthenticationError as error:
        ZuoraCustomer.objects.filter(pk=customer.pk, sync_status=CustomerStatus.ACTIVE).update(
            sync_status=CustomerStatus.NEEDS_ATTENTION, last_error=error.message[:500]
        )
        raise


def reactivate(customer: ZuoraCustomer) -> bool:
    """Sync a customer with all others again; False when it is active already."""
    with transaction.atomic():
        idle = ZuoraCustomer.objects.filter(pk=customer.pk).exclude(sync_status=CustomerStatus.ACTIVE)
        changed = idle.update(sync_status=CustomerStatus.ACTIVE, consecutive_failures=0, last_error="")
        if changed:
            Integration.objects.filter(pk=customer.integration_id).update(
                status=IntegrationStatus.ACTIVE, status_reason="", error_count=0, paused=False
            )
    return bool(changed)


def deactivate(customer: ZuoraCustomer) -> bool:
    """Leave a customer out when all are synced; False when it is already."""
    active = ZuoraCustomer.objects.filter(pk=customer.pk).exclude(sync_status=CustomerStatus.INACTIVE)
    return bool(active.update(sync_status=CustomerStatus.INACTIVE))


def _bring_forward_same_work(customer: ZuoraCustomer, *, force: bool) -> None:
    args = sync_args(customer.pk, force=force)
    key = SyncCustomerWorkflows.unique_key(customer.integration, args)
    job = Job.objects.filter(unique_key=key, status=JobStatus.QUEUED).first()
    if job is not None:
        _bring_forward(job)


def _bring_forward(job: Job) -> None:
    """Make a job due that waits for nothing but its moment; one that was put off for a reason is left."""
    now = timezone.now()
    if job.run_at <= now:
        return
    waiting = Job.objects.filter(pk=job.pk, status=JobStatus.QUEUED, attempts=0, postponed_s=0)
    if waiting.update(run_at=now):
        job.run_at = now
