"""How a sync fails, waits, goes on and mends."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone
from pytest_django import Settings

from integrations.models import IntegrationStatus
from integrations.providers.zuora.models import CustomerStatus, Workflow, ZuoraCustomer
from synclogs.models import Alert, Job, JobStatus, SyncLog
from tests.integrations.providers.zuora.conftest import ALDER, Zuora
from tests.integrations.providers.zuora.syncing import counts_of, sync, work_off

pytestmark = pytest.mark.django_db


def test_a_refused_client_needs_attention_and_is_not_retried(zuora: Zuora, customer: ZuoraCustomer) -> None:
    zuora.sim("tenants", {ALDER.client_id: {"client_secret": "other"}})
    job = sync(customer)
    customer.refresh_from_db()
    assert (job.status, job.error_code) == (JobStatus.FAILED, "unauthorized")
    assert customer.sync_status == CustomerStatus.NEEDS_ATTENTION
    assert customer.consecutive_failures == 1
    assert "Client authentication failed" in customer.last_error
    assert customer.last_synced_at is None
    assert customer.integration.status == IntegrationStatus.NEEDS_ATTENTION
    assert Alert.objects.filter(rule="credential_refused").exists()


def test_a_good_sync_mends_a_customer(zuora: Zuora, customer: ZuoraCustomer) -> None:
    ZuoraCustomer.objects.update(
        sync_status=CustomerStatus.NEEDS_ATTENTION, consecutive_failures=2, last_error="refused"
    )
    sync(customer)
    customer.refresh_from_db()
    assert customer.sync_status == CustomerStatus.ACTIVE
    assert (customer.consecutive_failures, customer.last_error) == (0, "")


def test_a_good_sync_of_an_inactive_customer_leaves_it_inactive(
    zuora: Zuora, customer: ZuoraCustomer
) -> None:
    ZuoraCustomer.objects.update(sync_status=CustomerStatus.INACTIVE)
    sync(customer)
    assert ZuoraCustomer.objects.get().sync_status == CustomerStatus.INACTIVE


def test_a_missing_permission_fails_without_a_retry(zuora: Zuora, customer: ZuoraCustomer) -> None:
    zuora.sim("tenants", {ALDER.client_id: {"permissions": []}})
    job = sync(customer)
    customer.refresh_from_db()
    assert (job.status, job.error_code) == (JobStatus.FAILED, "forbidden")
    assert "Client lacks Workflow View Access" in customer.last_error
    assert customer.sync_status == CustomerStatus.ACTIVE


@pytest.mark.parametrize("lack", ["secret", "client_id", "base_url"])
def test_a_customer_that_is_not_set_up_fails_without_a_retry(
    zuora: Zuora, customer: ZuoraCustomer, settings: Settings, lack: str
) -> None:
    if lack == "secret":
        ZuoraCustomer.objects.update(client_secret={})
    elif lack == "client_id":
        ZuoraCustomer.objects.update(client_id="")
    else:
        settings.ZUORA_API_URL = ""
        ZuoraCustomer.objects.update(base_url="https://rest.zuora.example.com")
    job = sync(customer)
    assert (job.status, job.error_code) == (JobStatus.FAILED, "not_configured")
    assert zuora.calls() == []


def test_a_server_that_stays_broken_is_tried_three_times_a_minute_apart(
    zuora: Zuora, customer: ZuoraCustomer
) -> None:
    zuora.fault("status", status=503, times="forever")
    job = sync(customer)
    waits = []
    for _ in range(2):
        assert job.status == JobStatus.RETRY_WAIT
        waits.append(round((job.run_at - timezone.now()).total_seconds()))
        customer.refresh_from_db()
        assert customer.consecutive_failures == 0
        assert "503" in customer.last_error
        work_off(job)
    assert waits == [60, 60]
    assert (job.status, job.attempts) == (JobStatus.FAILED, 3)
    assert len(zuora.calls("list")) == 15
    customer.refresh_from_db()
    assert customer.consecutive_failures == 1
    assert SyncLog.objects.count() == 1


def test_a_limit_puts_the_job_off_without_an_attempt_and_it_goes_on_where_it_was(
    zuora: Zuora, customer: ZuoraCustomer
) -> None:
    zuora.seed(workflows=120)
    zuora.fault(
        "status", status=429, after=1, headers={"Retry-After": "120"}, body={"reasons": [{"code": 50000070}]}
    )
    job = sync(customer)
    assert (job.status, job.attempts) == (JobStatus.QUEUED, 0)
    assert 115 <= (job.run_at - timezone.now()).total_seconds() <= 120
    work_off(job)
    assert job.status == JobStatus.SUCCEEDED
    assert counts_of(job) == {"processed": 120, "created": 120}
    pages = [call["summary"]["page"] for call in zuora.calls("list")]
    assert pages == ["1", "2", "2", "3"]


def test_what_is_left_of_the_limit_is_remembered_for_the_next_process(
    zuora: Zuora, customer: ZuoraCustomer
) -> None:
    zuora.seed(workflows=3)
    zuora.sim("rate", {"limit": 100, "remaining": 3, "reset": 50})
    sync(customer)
    customer.refresh_from_db()
    assert (customer.rate_limit_limit, customer.rate_limit_remaining) == (100, 2)
    job = sync(customer)
    assert job.status == JobStatus.QUEUED
    assert 40 <= (job.run_at - timezone.now()).total_seconds() <= 50
    assert len(zuora.calls("list")) == 1


def test_the_third_failure_in_a_row_is_said_once(
    zuora: Zuora, customer: ZuoraCustomer, caplog: pytest.LogCaptureFixture
) -> None:
    zuora.sim("tenants", {ALDER.client_id: {"permissions": []}})
    for expected in (0, 0, 1, 1):
        sync(customer)
        records = [record for record in caplog.records if record.message == "repeated failures"]
        assert len(records) == expected
    assert records[0].levelname == "ERROR"
    assert records[0].__dict__["customer_id"] == customer.pk
    assert Alert.objects.filter(rule="repeated_failures", integration=customer.integration).exists()
    zuora.sim("tenants", {ALDER.client_id: {"permissions": ["view"]}})
    sync(customer)
    assert Alert.objects.get(rule="repeated_failures").state == "recovered"


def test_a_killed_sync_goes_on_and_counts_once(zuora: Zuora, customer: ZuoraCustomer) -> None:
    zuora.seed(workflows=120)
    zuora.fault("status", status=400, after=1)
    job = sync(customer)
    Job.objects.filter(pk=job.pk).update(status=JobStatus.RUNNING, lease_until=timezone.now() - timedelta(1))
    work_off(job)
    assert job.status == JobStatus.SUCCEEDED
    assert counts_of(job) == {"processed": 120, "created": 120}
    assert Workflow.objects.count() == 120


def test_a_retry_of_a_job_keeps_its_customer(zuora: Zuora, customer: ZuoraCustomer) -> None:
    from integrations.jobs.operations import retry_job

    zuora.sim("tenants", {ALDER.client_id: {"permissions": []}})
    job = sync(customer)
    zuora.sim("tenants", {ALDER.client_id: {"permissions": ["view"]}})
    again = work_off(retry_job(job))
    assert again.status == JobStatus.SUCCEEDED
    assert again.args["customer_id"] == customer.pk
