"""servicetitan_sync_status and servicetitan_retry_failed_syncs."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from django.core.management.base import CommandError
from django.utils import timezone

from accounts.models import AccountStatus
from integrations.providers.servicetitan.models import CredentialState
from synclogs.models import CommandExecution, Job, SyncLog, SyncStatus, SyncTrigger
from tests.factories import SyncLogFactory
from tests.integrations.providers.servicetitan.conftest import MakeCredential, Titan
from tests.integrations.providers.servicetitan.syncing import (
    FIVE_KEYS,
    Said,
    make_run,
    run,
)

HEADINGS = [
    *("ID", "Company", "Data Type", "Status", "Started", "Completed"),
    *("Processed", "Successful", "Failed"),
]

pytestmark = pytest.mark.django_db(transaction=True)


def status(*args: str) -> Said:
    return run(*args, command="servicetitan_sync_status")


def retry(*args: str) -> Said:
    return run(*args, command="servicetitan_retry_failed_syncs")


def cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.split("  ") if cell.strip()]


class TestStatus:
    """The list of runs."""

    def test_an_empty_list_says_so(self) -> None:
        assert status() == ("No sync operations found matching the criteria\n", "", 0)

    def test_runs_are_listed_newest_first_with_totals(self, make_credential: MakeCredential) -> None:
        credential = make_credential()
        now = timezone.now()
        make_run(credential, started_at=now - timedelta(hours=2))
        make_run(credential, "invoices", warning=True, started_at=now - timedelta(hours=1))
        running = make_run(credential, "customers", running=True)
        SyncLogFactory()
        lines = status().lines
        assert cells(lines[0]) == HEADINGS
        rows = [cells(line) for line in lines[2:5]]
        assert [row[2:4] for row in rows] == [
            ["customers", "running"],
            ["invoices", "completed_with_warning"],
            ["both", "completed"],
        ]
        assert rows[0] == [
            *(str(running.pk), "Company 1", "customers", "running"),
            *(f"{running.started_at:%Y-%m-%d %H:%M:%S}", "Running", "176", "176", "0"),
        ]
        assert rows[1][-3:] == ["178", "176", "2"]
        assert lines[-5:] == ["Total: 3", "Running: 1", "Completed: 2", "Failed: 0", "Records processed: 530"]

    def test_running_only_never_prints_the_lower_case_word(self, make_credential: MakeCredential) -> None:
        credential = make_credential()
        make_run(credential)
        make_run(credential, running=True)
        said = status("--running-only")
        assert "running" in said.out
        assert "completed" not in said.out

    def test_a_finished_run_without_a_time_has_a_dash(self, make_credential: MakeCredential) -> None:
        make_run(make_credential(), failed=True, completed_at=None)
        assert cells(status("-f").lines[2])[5] == "-"

    def test_filters(self, make_credential: MakeCredential) -> None:
        first, second = make_credential(1), make_credential(2)
        make_run(first, failed=True, started_at=timezone.now() - timedelta(hours=30))
        make_run(second)
        assert "Company 2" not in status(f"--company-id={first.account_id}").out
        assert "Company 1" not in status("--last-24h").out
        assert "Company 2" not in status("--failed-only").out
        assert status("--running-only").lines == ["No sync operations found matching the criteria"]
        with pytest.raises(CommandError):
            status("-r", "-f")

    def test_it_leaves_no_row_and_has_an_object_for_machines(self, make_credential: MakeCredential) -> None:
        make_run(make_credential())
        envelope = json.loads(status("--json").out)
        assert envelope["counters"]["records_processed"] == 176
        assert envelope["runs"][0]["status"] == "completed"
        assert not CommandExecution.objects.exists()

    def test_queries_do_not_grow_with_the_runs(
        self, make_credential: MakeCredential, django_assert_max_num_queries: Any
    ) -> None:
        credential = make_credential()
        for _ in range(5):
            make_run(credential)
        with django_assert_max_num_queries(1):
            status()


class TestRetry:
    """What is tried again, and what then becomes of it."""

    def listed(self, *args: str) -> list[str]:
        prefix = "Would retry "
        return [
            line.removeprefix(prefix) for line in retry("--dry-run", *args).lines if line.startswith(prefix)
        ]

    def test_nothing_to_retry(self, titan: Titan) -> None:
        assert retry() == ("No failed syncs found to retry\n", "", 0)

    def test_a_retry_is_a_new_run_that_names_the_old_one(
        self, titan: Titan, make_credential: MakeCredential
    ) -> None:
        titan.seed(customers=5, invoices=4)
        old = make_run(make_credential(), "customers", failed=True)
        said = retry()
        assert said.lines[:3] == [
            "Found 1 failed syncs to retry",
            "Retrying sync for Company 1 (integration)",
            "Completed sync for Company 1: 5 records processed",
        ]
        new = SyncLog.objects.latest("started_at")
        assert (new.retry_of, new.sync_trigger, new.sync_type) == (old, SyncTrigger.RETRY, "customers")
        assert retry().lines == ["No failed syncs found to retry"]

    def test_a_success_takes_the_credential_back_and_a_refusal_does_not(
        self, titan: Titan, make_credential: MakeCredential
    ) -> None:
        credential = make_credential(status=CredentialState.NEEDS_ATTENTION)
        make_run(credential, failed=True, error_code="auth")
        titan.fault("status", "connect/token", status=400, body={"error": "invalid_client"})
        said = retry()
        assert "Sync failed for Company 1: HTTP 400 from the token endpoint: invalid_client" in said.err
        credential.refresh_from_db()
        assert credential.status == CredentialState.NEEDS_ATTENTION
        assert "Successful: 1" in retry().lines
        credential.refresh_from_db()
        assert credential.status == CredentialState.ACTIVE

    def test_the_newest_of_each_credential_and_type_oldest_first(
        self, make_credential: MakeCredential
    ) -> None:
        now = timezone.now()
        first, second = make_credential(1), make_credential(2)
        make_run(first, failed=True, started_at=now - timedelta(hours=5))
        make_run(first, failed=True, started_at=now - timedelta(hours=1))
        make_run(first, "customers", failed=True, started_at=now - timedelta(hours=2))
        make_run(second, failed=True, started_at=now - timedelta(hours=3))
        assert self.listed() == [
            "both sync for Company 2 (integration)",
            "customers sync for Company 1 (integration)",
            "both sync for Company 1 (integration)",
        ]
        assert len(self.listed("--max-retries=2")) == 2
        assert retry("--dry-run", "--max-retries=2").lines[0] == "Found 2 failed syncs to retry"

    def test_what_is_old_refused_retried_or_made_up_for_is_left_out(
        self, make_credential: MakeCredential
    ) -> None:
        now = timezone.now()
        old = make_credential(1)
        make_run(old, failed=True, started_at=now - timedelta(hours=30))
        retried = make_credential(2)
        make_run(retried, failed=True, started_at=now - timedelta(hours=4))
        SyncLog.objects.filter(integration=retried.integration).update(sync_type="customers")
        failure = SyncLog.objects.get(integration=retried.integration)
        make_run(retried, "customers", sync_status=SyncStatus.CANCELLED, retry_of=failure)
        made_up = make_credential(3)
        make_run(made_up, "customers", failed=True, started_at=now - timedelta(hours=3))
        make_run(made_up, "both", warning=True, started_at=now - timedelta(hours=2))
        going_on = make_credential(4)
        make_run(going_on, failed=True, started_at=now - timedelta(hours=3))
        make_run(going_on, running=True)
        part = make_credential(5)
        make_run(part, "both", failed=True, started_at=now - timedelta(hours=3))
        make_run(part, "customers", started_at=now - timedelta(hours=2))
        refused = make_credential(6)
        make_run(refused, failed=True, error_code="auth", started_at=now - timedelta(hours=2))
        disabled = make_credential(7, status=CredentialState.DISABLED)
        make_run(disabled, failed=True)
        expired = make_credential(8)
        make_run(expired, failed=True)
        expired.account.status = AccountStatus.DEACTIVATED
        expired.account.save()
        assert self.listed() == [
            "both sync for Company 5 (integration)",
            "both sync for Company 6 (integration)",
        ]
        assert self.listed("--exclude-auth-errors") == ["both sync for Company 5 (integration)"]
        assert len(self.listed("--max-age=48")) == 3

    def test_a_dry_run_writes_nothing(self, titan: Titan, make_credential: MakeCredential) -> None:
        make_run(make_credential(), failed=True)
        assert list(json.loads(retry("--dry-run", "--json-output").out)) == FIVE_KEYS
        assert titan.calls() == []
        assert SyncLog.objects.count() == 1
        assert not Job.objects.exists()

    def test_one_after_the_other_and_strict(self, titan: Titan, make_credential: MakeCredential) -> None:
        titan.seed(customers=3, invoices=0, tenants=3)
        for number in (1, 2, 3):
            make_run(make_credential(number), failed=True)
        titan.fault("latency", "export", seconds=0.05, times=3)
        titan.fault("status", "900002/export", status=403)
        said = retry("--strict")
        assert said.code == 3
        assert {"Successful: 2", "Failed: 1"} <= set(said.lines)
        assert titan.mount.journal.counts()["max_in_flight"] == 1

    @pytest.mark.parametrize("args", [["--max-age=0"], ["-m", "x"], ["--max-retries=0"]])
    def test_wrong_options_are_refused(self, args: list[str]) -> None:
        with pytest.raises(CommandError):
            retry(*args)
