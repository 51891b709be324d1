"""How a sync ends that does not end well."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from accounts.models import AccountStatus
from integrations.http.deadline import Deadline
from integrations.jobs.outcomes import JobCancelled
from integrations.jobs.runner import run_job
from integrations.models import IntegrationStatus
from integrations.providers.servicetitan import services
from integrations.providers.servicetitan.config import DataType, SyncConfiguration
from integrations.providers.servicetitan.errors import (
    InvalidCredentialsError,
    RateLimitExceededError,
    ServiceTitanApiError,
    SyncTimeoutError,
)
from integrations.providers.servicetitan.models import (
    CredentialState,
    ServiceTitanCredential,
)
from synclogs.models import Job, JobStatus, SyncAlreadyRunning, SyncLog, SyncStatus
from tests.integrations.providers.servicetitan.conftest import Titan
from tests.integrations.providers.servicetitan.syncing import counts, last_run, sync

pytestmark = pytest.mark.django_db


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
