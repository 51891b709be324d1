"""SyncCustomerWorkflows: dispatch, lock, recency."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from integrations.jobs.registry import job_class
from integrations.providers.zuora import services
from integrations.providers.zuora.jobs import SyncCustomerWorkflows
from integrations.providers.zuora.models import ZuoraCustomer
from synclogs.models import JobQueue, JobStatus, SyncLog, SyncStatus
from tests.integrations.providers.zuora.conftest import Zuora
from tests.integrations.providers.zuora.syncing import run_of, sync, work_off

pytestmark = pytest.mark.django_db


def test_the_class_says_what_it_is() -> None:
    assert job_class("zuora.sync_customer_workflows") is SyncCustomerWorkflows
    assert SyncCustomerWorkflows.queue == JobQueue.WORKFLOWS
    assert SyncCustomerWorkflows.timeout == 1800
    assert SyncCustomerWorkflows.backoff == (60, 60)


@pytest.mark.parametrize("by_name", [True, False])
def test_dispatch_takes_ids(customer: ZuoraCustomer, by_name: bool) -> None:
    dispatch = SyncCustomerWorkflows.dispatch
    job = dispatch(customer_id=customer.pk, force=True) if by_name else dispatch(customer.pk, True)
    assert job.args == {"customer_id": customer.pk, "force": True}
    assert (job.account, job.integration) == (customer.account, customer.integration)
    with pytest.raises(ZuoraCustomer.DoesNotExist):
        dispatch(customer.pk + 1)


def test_a_customer_that_is_gone_ends_the_job_quietly(
    customer: ZuoraCustomer, caplog: pytest.LogCaptureFixture
) -> None:
    job = services.queue_sync(customer)
    ZuoraCustomer.objects.all().delete()
    work_off(job)
    assert (job.status, job.result) == (JobStatus.SUCCEEDED, "customer_gone")
    assert "gone" in caplog.text
    assert not SyncLog.objects.exists()


def test_a_recent_sync_is_not_repeated(zuora: Zuora, customer: ZuoraCustomer) -> None:
    ZuoraCustomer.objects.update(last_synced_at=timezone.now() - timedelta(minutes=59))
    before = ZuoraCustomer.objects.values().get()
    job = sync(customer, force=False)
    assert (job.status, job.result) == (JobStatus.SUCCEEDED, "skipped")
    assert zuora.calls() == []
    assert ZuoraCustomer.objects.values().get() == before


def test_recency_is_looked_at_again_once_the_lock_is_held(
    zuora: Zuora, customer: ZuoraCustomer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another sync of the same customer ends between the first look and the lock."""
    real = SyncCustomerWorkflows.open_run

    def open_run(self: SyncCustomerWorkflows) -> None:
        ZuoraCustomer.objects.update(last_synced_at=timezone.now())
        real(self)

    monkeypatch.setattr(SyncCustomerWorkflows, "open_run", open_run)
    job = sync(customer, force=False)
    assert (job.status, job.result) == (JobStatus.SUCCEEDED, "skipped")
    assert run_of(job).sync_status == SyncStatus.COMPLETED
    assert zuora.calls() == []


def test_a_held_lock_puts_the_job_off_for_a_minute(customer: ZuoraCustomer) -> None:
    SyncLog.objects.start(
        "workflows", account=customer.account, lock_key=customer.integration.lock_key("workflows")
    )
    job = sync(customer)
    assert job.status == JobStatus.QUEUED
    assert 55 <= (job.run_at - timezone.now()).total_seconds() <= 60
    assert job.attempts == 0
