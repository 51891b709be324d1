"""A sync: what arrives, where it goes on, and how it ends."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone
from pytest_django import Settings

from accounts.models import AccountStatus
from integrations.http.deadline import Deadline
from integrations.jobs.outcomes import JobCancelled
from integrations.jobs.runner import run_job
from integrations.models import IntegrationStatus, SyncCursor
from integrations.providers.servicetitan import services
from integrations.providers.servicetitan.config import DataType, SyncConfiguration, SyncResult
from integrations.providers.servicetitan.errors import (
    InvalidCredentialsError,
    RateLimitExceededError,
    ServiceTitanApiError,
    SyncTimeoutError,
)
from integrations.providers.servicetitan.models import (
    CredentialState,
    ServiceTitanCredential,
    ServiceTitanCustomer,
    ServiceTitanInvoice,
)
from integrations.providers.servicetitan.sandbox.dataset import now_stamp
from integrations.providers.servicetitan.services import ServiceTitanIntegrationService
from synclogs.models import Job, JobStatus, SyncAlreadyRunning, SyncIssue, SyncLog, SyncStatus
from tests.integrations.providers.servicetitan.conftest import MakeCredential, Titan

EXPORT = "export/"
TENANT = 900_001

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _long_leases(settings: Settings) -> None:
    settings.JOB_LEASE_SECONDS = 600.0


def sync(credential: ServiceTitanCredential, data_type: str = "both", **config: Any) -> SyncResult:
    """Sync in this process, incrementally unless told otherwise."""
    chosen = {"incremental_only": True, **config}
    return ServiceTitanIntegrationService().synchronize_data(
        credential, SyncConfiguration(DataType(data_type), **chosen)
    )


def counts(result: SyncResult) -> dict[str, int]:
    """What is not zero."""
    found = result.sync_log.counts.as_dict()
    return {name: value for name, value in found.items() if value and name != "processed"}


def last_run() -> SyncLog:
    return SyncLog.objects.latest("started_at")


def cursor(credential: ServiceTitanCredential, stream: str) -> SyncCursor:
    return SyncCursor.objects.get(integration=credential.integration, stream=stream, partition="")


def customer(number: int, **fields: Any) -> dict[str, Any]:
    return {
        "id": number,
        "active": True,
        "name": f"Customer {number}",
        "modifiedOn": "2024-05-02T11:22:33Z",
        **fields,
    }


def test_everything_arrives_and_a_second_run_asks_for_what_is_new(
    titan: Titan, credential: ServiceTitanCredential
) -> None:
    titan.seed(customers=30, invoices=20)
    titan.sim("switches", feed_page_size=10)
    result = sync(credential)
    assert counts(result) == {"created": 50}
    assert (result.processed_count, result.successful_count, result.failed_count) == (50, 50, 0)
    assert result.sync_log.sync_status == SyncStatus.COMPLETED
    kinds = [call["path"].rpartition("/")[2] for call in titan.calls(EXPORT)]
    assert kinds == ["customers"] * 3 + ["invoices"] * 2
    titan.mount.journal.clear()
    assert counts(sync(credential)) == {}
    queries = titan.queries(EXPORT)
    assert len(queries) == 2
    assert all(query.keys() == {"from"} for query in queries)
    assert titan.sandbox.violations == []


def test_columns_hold_what_the_vendor_sent(titan: Titan, credential: ServiceTitanCredential) -> None:
    titan.seed(customers=3, invoices=3)
    sync(credential)
    held = ServiceTitanCustomer.objects.get(external_id=10_001)
    assert held.raw["address"] == held.address
    assert held.source_modified_on is not None
    assert held.raw["modifiedOn"].startswith(held.source_modified_on.strftime("%Y-%m-%dT%H:%M:%S.%f"))
    invoice = ServiceTitanInvoice.objects.get(external_id=50_001)
    assert (invoice.customer_external_id, invoice.job_number) == (10_001, "J1")
    assert invoice.total == Decimal(invoice.raw["total"])
    assert invoice.items == invoice.raw["items"]
    assert invoice.business_unit_name == invoice.raw["businessUnit"]["name"]


def test_money_is_exact_as_text_and_as_number(titan: Titan, credential: ServiceTitanCredential) -> None:
    exact = "12345678901234.5678" if connection.vendor == "postgresql" else "12345678901.2345"
    titan.hold("customers", customer(1, balance=12345678901.2345))
    titan.hold("invoices", {"id": 1, "total": exact, "modifiedOn": "2024-05-02T11:22:33Z"})
    sync(credential)
    assert ServiceTitanCustomer.objects.get().balance == Decimal("12345678901.2345")
    assert ServiceTitanInvoice.objects.get().total == Decimal(exact)
    assert ServiceTitanInvoice.objects.get().raw["total"] == exact


def test_moments_are_cut_to_microseconds_never_rounded_up(
    titan: Titan, credential: ServiceTitanCredential
) -> None:
    titan.hold("customers", customer(1, modifiedOn="2021-07-19T20:35:38.9999999Z"))
    sync(credential)
    expected = datetime(2021, 7, 19, 20, 35, 38, 999_999, tzinfo=UTC)
    assert ServiceTitanCustomer.objects.get().source_modified_on == expected


def test_missing_fields_are_null_and_unknown_ones_stay_in_raw(
    titan: Titan, credential: ServiceTitanCredential
) -> None:
    titan.hold("customers", {"id": 1, "loyalty": {"tier": "gold"}, "modifiedOn": "2024-05-02T11:22:33Z"})
    sync(credential, "customers")
    held = ServiceTitanCustomer.objects.get()
    assert (held.name, held.balance, held.address, held.active) == (None, None, None, None)
    assert held.raw["loyalty"] == {"tier": "gold"}
    assert last_run().context["unknown_fields"] == {"customers": ["loyalty"]}


def test_bad_records_are_issues_and_do_not_stop_the_page(
    titan: Titan, credential: ServiceTitanCredential
) -> None:
    titan.seed(customers=10, invoices=5, hostile=True)
    result = sync(credential)
    assert counts(result) == {"created": 15, "failed": 6}
    run = result.sync_log
    assert (run.sync_status, run.error_code) == (SyncStatus.WARNING, "records_lost")
    assert result.successful
    assert result.errors == ["6 records could not be taken: see the issues."]
    assert SyncIssue.objects.filter(run=run).count() == 6
    credential.refresh_from_db()
    assert credential.last_successful_sync_at is not None


def test_an_older_version_is_skipped_and_one_without_a_time_is_taken(
    titan: Titan, credential: ServiceTitanCredential
) -> None:
    titan.hold("customers", customer(1, name="New"))
    sync(credential, "customers")
    titan.hold("customers", customer(1, name="Old", modifiedOn="2023-01-01T00:00:00Z"))
    assert counts(sync(credential, "customers", incremental_only=False)) == {"skipped": 1}
    titan.hold("customers", customer(1, name="Timeless", modifiedOn=None, createdOn="2026-01-01T00:00:00Z"))
    assert counts(sync(credential, "customers", incremental_only=False)) == {"updated": 1}
    assert ServiceTitanCustomer.objects.get().name == "Timeless"


def test_the_feed_brings_inactive_customers(titan: Titan, credential: ServiceTitanCredential) -> None:
    titan.hold("customers", customer(1), customer(2, active=False, mergedToId=1))
    sync(credential, "customers")
    assert ServiceTitanCustomer.objects.get(external_id=2).merged_to_id == 1


def test_a_young_change_arrives_with_a_later_run(titan: Titan, credential: ServiceTitanCredential) -> None:
    titan.hold("customers", customer(1), customer(2, modifiedOn=now_stamp()))
    assert counts(sync(credential, "customers")) == {"created": 1}
    titan.sim("switches", feed_lag_s=0)
    assert counts(sync(credential, "customers")) == {"created": 1}


def test_an_empty_first_page_does_not_end_the_feed(titan: Titan, credential: ServiceTitanCredential) -> None:
    titan.seed(customers=5)
    titan.sim("quirks", kind="customers", empty_first_page=1)
    assert counts(sync(credential, "customers")) == {"created": 5}


def test_a_feed_that_does_not_move_on_is_stopped(titan: Titan, credential: ServiceTitanCredential) -> None:
    titan.seed(customers=25)
    titan.sim("switches", feed_page_size=10)
    titan.sim("quirks", kind="customers", stuck_token=1000)
    with pytest.raises(ServiceTitanApiError, match="does not move on"):
        sync(credential, "customers")
    assert len(titan.calls(EXPORT)) == 2
    assert last_run().counts.created == 10


def test_the_same_id_in_two_environments_is_two_customers(
    titan: Titan, make_credential: MakeCredential
) -> None:
    titan.seed(customers=4, invoices=0)
    first = make_credential()
    second = make_credential(account=first.account, environment="production")
    sync(first)
    sync(second)
    assert ServiceTitanCustomer.objects.filter(external_id=10_001).count() == 2
    assert ServiceTitanCustomer.objects.filter(credential=second).count() == 4


def test_a_token_that_the_feed_forgot_is_replaced_by_the_high_water_mark(
    titan: Titan, credential: ServiceTitanCredential
) -> None:
    titan.seed(customers=12)
    sync(credential, "customers")
    held = cursor(credential, "customers")
    assert held.state["records_total"] == 12
    assert held.high_water is not None
    SyncCursor.objects.filter(pk=held.pk).update(state=held.state | {"continue_from": "forgotten"})
    titan.mount.journal.clear()
    result = sync(credential, "customers")
    assert set(counts(result)) == {"unchanged"}
    first, second = titan.queries(EXPORT)
    assert first == {"from": "forgotten"}
    since = datetime.fromisoformat(second["from"])
    assert since == held.high_water - timedelta(minutes=5)


def test_a_full_sync_reads_everything_again(titan: Titan, credential: ServiceTitanCredential) -> None:
    titan.seed(customers=12)
    sync(credential, "customers")
    assert counts(sync(credential, "customers", incremental_only=False)) == {"unchanged": 12}


def test_pages_larger_than_the_batch_size_are_written_in_pieces(
    titan: Titan, credential: ServiceTitanCredential, django_assert_max_num_queries: Any
) -> None:
    titan.seed(customers=25)
    assert counts(sync(credential, "customers", batch_size=10)) == {"created": 25}
    assert cursor(credential, "customers").state["records_total"] == 25


class TestLists:
    """The fallback for apps that may not use the feeds."""

    @pytest.fixture(autouse=True)
    def _lists(self, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
        settings.SERVICETITAN_SYNC_STRATEGY = "list"
        monkeypatch.setattr("integrations.providers.servicetitan.sources.LIST_PAGE_SIZE", 10)

    def test_inactive_records_arrive_too_and_the_next_run_overlaps(
        self, titan: Titan, credential: ServiceTitanCredential
    ) -> None:
        titan.seed(customers=35, invoices=12)
        assert sync(credential).sync_log.counts.created == 47
        assert titan.sandbox.violations == []
        queries = titan.queries("/customers")
        assert {query["active"] for query in queries} == {"Any"}
        assert {query["sort"] for query in queries} == {"+ModifiedOn"}
        assert {query["activeState"] for query in titan.queries("/invoices")} == {"All"}
        high_water = cursor(credential, "customers").high_water
        assert high_water is not None
        titan.mount.journal.clear()
        result = sync(credential, "customers")
        assert set(counts(result)) == {"unchanged"}
        since = datetime.fromisoformat(titan.queries("/customers")[0]["modifiedOnOrAfter"])
        assert since == high_water - timedelta(minutes=5)

    def test_a_record_that_changes_between_two_pages_hides_no_other(
        self, titan: Titan, credential: ServiceTitanCredential
    ) -> None:
        titan.seed(customers=35)
        titan.sim("mutate", kind="customers", times=1)
        sync(credential, "customers")
        assert ServiceTitanCustomer.objects.count() == 35

    def test_many_records_of_one_moment_are_paged_by_number(
        self, titan: Titan, credential: ServiceTitanCredential
    ) -> None:
        titan.hold("customers", *(customer(number) for number in range(1, 36)))
        sync(credential, "customers")
        assert ServiceTitanCustomer.objects.count() == 35
        assert [query["page"] for query in titan.queries("/customers")] == ["1", "1", "2", "3", "4"]


class TestFailures:
    """How a sync ends that does not end well."""

    def test_a_refused_credential_needs_attention_and_a_success_mends_it(
        self, titan: Titan, credential: ServiceTitanCredential
    ) -> None:
        titan.fault("status", "connect/token", status=400, body={"error": "invalid_client"})
        with pytest.raises(InvalidCredentialsError):
            sync(credential)
        credential.refresh_from_db()
        assert credential.status == CredentialState.NEEDS_ATTENTION
        assert "invalid_client" in credential.status_reason
        assert credential.consecutive_failures == 1
        assert credential.status_changed_at is not None
        run = last_run()
        assert (run.sync_status, run.error_code) == (SyncStatus.FAILED, "auth")
        assert run.completed_at is not None
        credential.integration.refresh_from_db()
        assert credential.integration.status == IntegrationStatus.NEEDS_ATTENTION
        sync(credential)
        credential.refresh_from_db()
        assert (credential.status, credential.consecutive_failures) == (CredentialState.ACTIVE, 0)
        credential.integration.refresh_from_db()
        assert credential.integration.status == IntegrationStatus.ACTIVE

    def test_secrets_entered_meanwhile_are_not_blamed(
        self, titan: Titan, credential: ServiceTitanCredential
    ) -> None:
        old = ServiceTitanCredential.objects.get(pk=credential.pk)
        credential.replace_secrets({"client_secret": "cs1.new", "app_key": "ak1.new"})
        old.mark_needs_attention("refused")
        credential.refresh_from_db()
        assert credential.status == CredentialState.ACTIVE

    def test_an_api_error_keeps_what_was_written_and_says_what_the_vendor_said(
        self, titan: Titan, credential: ServiceTitanCredential
    ) -> None:
        titan.seed(customers=25)
        titan.sim("switches", feed_page_size=10)
        body = {"title": "No scope", "traceId": "00-abc", "status": 403, "errors": {}}
        titan.fault("status", "export/customers", status=403, body=body, after=2)
        with pytest.raises(ServiceTitanApiError):
            sync(credential)
        run = last_run()
        assert (run.sync_status, run.error_code) == (SyncStatus.FAILED, "api")
        assert run.counts.created == 20
        assert (run.context["vendor_status"], run.context["trace_id"]) == (403, "00-abc")
        assert run.error_details["what_to_do"].startswith("The app lacks a scope")
        credential.refresh_from_db()
        assert credential.status == CredentialState.ACTIVE
        titan.mount.journal.clear()
        assert counts(sync(credential, "customers")) == {"created": 5}
        assert len(titan.calls("export/customers")) == 1

    def test_when_the_second_half_fails_the_first_stays_and_the_retry_is_cheap(
        self, titan: Titan, credential: ServiceTitanCredential
    ) -> None:
        titan.seed(customers=8, invoices=6)
        titan.fault("status", "export/invoices", status=404, body="")
        with pytest.raises(ServiceTitanApiError):
            sync(credential)
        run = last_run()
        assert (run.counts.created, run.sync_type) == (8, "both")
        assert run.context["counts"]["customers"]["created"] == 8
        assert counts(sync(credential)) == {"created": 6}

    def test_a_sync_that_takes_too_long_keeps_its_last_page(
        self, titan: Titan, credential: ServiceTitanCredential
    ) -> None:
        titan.seed(customers=400)
        titan.sim("switches", feed_page_size=100)
        titan.fault("slow_drip", "export/customers", bytes_per_second=3000, after=2)
        with pytest.raises(SyncTimeoutError):
            sync(credential, deadline=Deadline(1.5))
        run = last_run()
        assert (run.error_code, run.counts.created) == ("timeout", 200)
        assert counts(sync(credential, "customers")) == {"created": 200}

    def test_a_rate_limit_in_the_foreground_fails_the_run(
        self, titan: Titan, credential: ServiceTitanCredential
    ) -> None:
        titan.fault("status", "export/customers", status=429, headers={"Retry-After": "60"}, times="forever")
        with pytest.raises(RateLimitExceededError):
            sync(credential, deadline=Deadline(2))
        assert (last_run().error_code, last_run().is_open) == ("rate_limit", False)
        assert not Job.objects.filter(status=JobStatus.QUEUED).exists()

    def test_a_rate_limit_in_a_worker_postpones_the_job(
        self, titan: Titan, credential: ServiceTitanCredential
    ) -> None:
        titan.fault("status", "export/customers", status=429, headers={"Retry-After": "60"})
        job = services.queue_sync(credential, SyncConfiguration(incremental_only=True))
        assert run_job(str(job.pk)) == "postpone"
        job.refresh_from_db()
        assert job.run_at > timezone.now() + timedelta(seconds=50)
        assert last_run().is_open

    def test_a_defect_is_unexpected_and_raised(
        self, titan: Titan, credential: ServiceTitanCredential, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def broken(*args: Any, **kwargs: Any) -> None:
            raise ZeroDivisionError("a defect")

        monkeypatch.setattr("integrations.providers.servicetitan.job.Pull.run", broken)
        with pytest.raises(ZeroDivisionError):
            sync(credential)
        assert (last_run().sync_status, last_run().error_code) == (SyncStatus.FAILED, "unexpected")

    def test_only_one_run_a_credential_whatever_it_syncs(
        self, titan: Titan, credential: ServiceTitanCredential
    ) -> None:
        titan.seed()
        services.queue_sync(credential, SyncConfiguration(DataType.INVOICES))
        SyncLog.objects.start(
            "both",
            account=credential.account,
            integration=credential.integration,
            lock_key=credential.lock_key,
        )
        with pytest.raises(SyncAlreadyRunning):
            sync(credential, "customers")
        job = Job.objects.get(status=JobStatus.QUEUED)
        assert run_job(str(job.pk)) == "postpone"
        assert titan.calls() == []

    def test_an_account_that_does_not_work_is_not_synced(
        self, titan: Titan, credential: ServiceTitanCredential
    ) -> None:
        credential.account.status = AccountStatus.EXPIRED
        credential.account.save()
        with pytest.raises(JobCancelled):
            sync(credential)
        assert titan.calls() == []

    def test_a_killed_run_goes_on_after_its_last_page(
        self, titan: Titan, credential: ServiceTitanCredential, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        titan.seed(customers=50, invoices=0)
        titan.sim("switches", feed_page_size=10)
        titan.fault("hang", "export/customers", after=3)
        job = services.queue_sync(credential, SyncConfiguration())
        _die_in(job, titan, monkeypatch)
        titan.mount.faults.clear()
        assert run_job(str(job.pk)) == "succeed"
        assert SyncLog.objects.count() == 1
        assert last_run().counts.created == 50
        asked = [query.get("from", "") for query in titan.queries("export/customers")]
        assert len(asked) - len(set(asked)) == 1


def _die_in(job: Job, titan: Titan, monkeypatch: pytest.MonkeyPatch) -> None:
    """Start a job and let its process die in the fourth page."""

    class Died(BaseException):
        pass

    def die(*args: Any, **kwargs: Any) -> Any:
        raise Died

    from integrations.providers.servicetitan.client import ServiceTitanClient

    real = ServiceTitanClient.export
    asked = []

    def export(self: ServiceTitanClient, kind: str, params: Any, parse: Any) -> Any:
        asked.append(params)
        if len(asked) > 3:
            self._session._read_timeout = 0.1
            with pytest.raises(ServiceTitanApiError):
                real(self, kind, params, parse)
            raise Died
        return real(self, kind, params, parse)

    monkeypatch.setattr("integrations.providers.servicetitan.client.TRIES", 1)
    with monkeypatch.context() as patched:
        patched.setattr(ServiceTitanClient, "export", export)
        with pytest.raises(Died):
            run_job(str(job.pk))
    Job.objects.filter(pk=job.pk).update(lease_until=timezone.now() - timedelta(seconds=1))
