"""servicetitan_process_scheduled_syncs: which credentials, how many at a time, what it says."""

from __future__ import annotations

import json
import logging
import time
from datetime import timedelta
from io import StringIO
from typing import Any, NamedTuple

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.utils import timezone
from pytest_django import Settings

from accounts.models import AccountStatus
from integrations.providers.servicetitan.errors import ServiceTitanApiError
from integrations.providers.servicetitan.models import CredentialState
from synclogs.models import CommandExecution, Job, SyncLog
from tests.factories import JobFactory
from tests.integrations.providers.servicetitan.conftest import MakeCredential, Titan

COMMAND = "servicetitan_process_scheduled_syncs"
FIVE_KEYS = [
    "total_credentials",
    "successful_syncs",
    "failed_syncs",
    "total_records_processed",
    "execution_time_seconds",
]

pytestmark = pytest.mark.django_db(transaction=True)


class Said(NamedTuple):
    """What a command printed, and how it ended."""

    out: str
    err: str
    code: int

    @property
    def lines(self) -> list[str]:
        return self.out.splitlines()


def run(*args: str, command: str = COMMAND, **options: Any) -> Said:
    out, err, code = StringIO(), StringIO(), 0
    try:
        call_command(command, *args, stdout=out, stderr=err, **options)
    except SystemExit as error:
        code = int(error.code or 0)
    return Said(out.getvalue(), err.getvalue(), code)


@pytest.fixture(autouse=True)
def _long_leases(settings: Settings) -> None:
    settings.JOB_LEASE_SECONDS = 600.0


def test_nothing_to_do_is_no_error(titan: Titan) -> None:
    said = run()
    assert said == ("No credentials found matching the criteria\n", "", 0)


def test_each_sync_is_told_and_summed_up(titan: Titan, make_credential: MakeCredential) -> None:
    titan.seed(customers=10, invoices=5, tenants=2)
    make_credential(1), make_credential(2)
    said = run()
    assert said.code == 0
    assert said.lines[0] == "Found 2 credentials to process"
    assert "Starting sync for Company 1 (integration)" in said.lines
    assert "Completed sync for Company 2: 15 records processed" in said.lines
    assert said.lines[-6:-1] == [
        "Sync summary",
        "Credentials: 2",
        "Successful: 2",
        "Failed: 0",
        "Records processed: 30",
    ]
    assert said.lines[-1].startswith("Execution time: ")
    assert said.lines[-1].endswith(" seconds")
    assert CommandExecution.objects.get().counters["processed"] == 30


def test_a_dry_run_calls_nobody_and_writes_nothing(titan: Titan, make_credential: MakeCredential) -> None:
    make_credential()
    said = run("--environment=integration", "--dry-run")
    assert said.lines == [
        "Found 1 credentials to process",
        "Would sync both for Company 1 (integration)",
    ]
    assert "production" not in said.out + said.err
    assert titan.calls() == []
    assert not SyncLog.objects.exists()
    assert not Job.objects.exists()
    assert not CommandExecution.objects.exists()
    numbers = json.loads(run("--dry-run", "--json-output").out)
    assert list(numbers.values())[:4] == [1, 0, 0, 0]


def test_one_failure_does_not_stop_the_others(
    titan: Titan, make_credential: MakeCredential, caplog: pytest.LogCaptureFixture
) -> None:
    titan.seed(customers=4, invoices=0, tenants=3)
    make_credential(1)
    refused = make_credential(2, client_secret="cs1.wrong")
    make_credential(3)
    titan.fault("status", "900001/export/customers", status=404, body="")
    said = run("--strict")
    assert said.code == 3
    assert "Completed sync for Company 3: 4 records processed" in said.lines
    assert "Sync failed for Company 1: HTTP 404: not found at the vendor" in said.err
    assert "Sync failed for Company 2: HTTP 400" in said.err
    refused.refresh_from_db()
    assert refused.status == CredentialState.NEEDS_ATTENTION
    records = {record.message: vars(record) for record in caplog.records}
    api = records["ServiceTitan API error during scheduled sync"]
    assert api["actionable_message"] == "Check the tenant ID"
    assert {"credential_id", "error"} <= api.keys()
    other = records["Sync failed for credential"]
    assert (other["credential_id"], other["company"]) == (str(refused.pk), "Company 2")
    assert run().lines[0] == "Found 2 credentials to process"


def test_it_exits_with_0_even_when_all_fail(titan: Titan, make_credential: MakeCredential) -> None:
    make_credential(client_secret="cs1.wrong")
    said = run("--json-output")
    assert said.code == 0
    assert list(json.loads(said.out)) == FIVE_KEYS
    assert json.loads(said.out)["failed_syncs"] == 1
    assert "Starting sync for Company 1 (integration)" in said.err


def test_json_output_is_the_only_thing_on_stdout(titan: Titan, make_credential: MakeCredential) -> None:
    titan.seed(customers=7, invoices=0)
    empty = json.loads(run("--json-output").out)
    assert list(empty) == FIVE_KEYS
    assert list(empty.values())[:4] == [0, 0, 0, 0]
    make_credential()
    numbers = json.loads(run("--json-output").out)
    assert list(numbers.values())[:4] == [1, 1, 0, 7]
    assert isinstance(numbers["execution_time_seconds"], float)


def test_the_envelope_names_each_sync(titan: Titan, make_credential: MakeCredential) -> None:
    titan.seed(customers=7, invoices=0, hostile=True)
    make_credential()
    said = run("--json")
    envelope = json.loads(said.out)
    assert (envelope["status"], envelope["counters"]["processed"]) == ("ok", 13)
    assert envelope["syncs"][0]["status"] == "completed_with_warning"
    assert run("--json", "--quiet").err == ""


def test_quiet_says_nothing_on_success(titan: Titan, make_credential: MakeCredential) -> None:
    titan.seed()
    make_credential()
    assert run("--quiet") == ("", "", 0)


@pytest.mark.parametrize(
    "args",
    [
        ["--environment=staging"],
        ["--environment="],
        ["--company-id=abc"],
        ["--credential-id=abc"],
        ["--data-type=jobs"],
        ["--max-concurrent=0"],
        ["--timeout=0"],
        ["--timeout"],
        ["--json", "--json-output"],
    ],
)
def test_wrong_options_are_refused(args: list[str], titan: Titan) -> None:
    with pytest.raises(CommandError):
        run(*args)


@pytest.mark.parametrize(
    "options",
    [{"environment": "staging"}, {"credential_id": "abc"}, {"max_concurrent": 0}, {"data_type": "jobs"}],
)
def test_wrong_options_of_callers_are_refused_too(
    options: dict[str, Any], titan: Titan, make_credential: MakeCredential
) -> None:
    make_credential()
    with pytest.raises(CommandError, match="invalid value"):
        run(**options)


class TestSelection:
    """Which credentials are synced, and in which order."""

    def found(self, *args: str) -> list[str]:
        lines = run(*args, "--dry-run").lines
        return [line.removeprefix("Would sync both for ").partition(" (")[0] for line in lines[1:]]

    def test_never_synced_first_then_the_oldest_success(self, make_credential: MakeCredential) -> None:
        now = timezone.now()
        make_credential(1, last_successful_sync_at=now - timedelta(hours=1))
        make_credential(2, last_successful_sync_at=now - timedelta(hours=2))
        make_credential(3)
        assert self.found() == ["Company 3", "Company 2", "Company 1"]

    def test_what_is_not_to_be_synced_is_left_out(self, make_credential: MakeCredential) -> None:
        make_credential(1, scheduled_sync_enabled=False)
        make_credential(2, status=CredentialState.NEEDS_ATTENTION)
        make_credential(3, status=CredentialState.DISABLED)
        expired = make_credential(4)
        expired.account.status = AccountStatus.EXPIRED
        expired.account.save()
        grace = make_credential(5)
        grace.account.status = AccountStatus.GRACE
        grace.account.save()
        paused = make_credential(6)
        paused.integration.paused = True
        paused.integration.save()
        busy = make_credential(7)
        SyncLog.objects.start(
            "both", account=busy.account, integration=busy.integration, lock_key=busy.lock_key
        )
        assert self.found() == ["Company 5"]

    def test_a_run_whose_process_died_does_not_block(self, make_credential: MakeCredential) -> None:
        credential = make_credential()
        lapsed = timezone.now() - timedelta(seconds=1)
        job = JobFactory(account=credential.account, running=True, lease_until=lapsed)
        connection, key = credential.integration, credential.lock_key
        SyncLog.objects.start(
            "both", account=credential.account, integration=connection, lock_key=key, job=job
        )
        assert self.found() == ["Company 1"]
        Job.objects.update(lease_until=timezone.now() + timedelta(minutes=1))
        assert self.found() == []

    def test_an_interval_is_kept_unless_a_credential_is_named(self, make_credential: MakeCredential) -> None:
        early = timezone.now() - timedelta(minutes=10)
        credential = make_credential(1, sync_interval_minutes=30, last_sync_started_at=early)
        make_credential(2, sync_interval_minutes=5, last_sync_started_at=early)
        make_credential(3, sync_interval_minutes=30)
        assert sorted(self.found()) == ["Company 2", "Company 3"]
        assert self.found(f"--credential-id={credential.pk}") == ["Company 1"]
        credential.switch(CredentialState.DISABLED)
        assert self.found(f"--credential-id={credential.pk}") == []

    def test_filters_hold_all_at_once(self, make_credential: MakeCredential) -> None:
        first = make_credential(1)
        make_credential(1, account=first.account, environment="production")
        second = make_credential(2)
        assert self.found("-e", "production") == ["Company 1"]
        assert self.found(f"-c={second.account_id}") == ["Company 2"]
        assert self.found("-e", "production", "-c", str(second.account_id)) == []
        assert self.found("--company-id=999999") == []

    def test_queries_do_not_grow_with_the_credentials(
        self, make_credential: MakeCredential, django_assert_max_num_queries: Any
    ) -> None:
        for number in range(1, 8):
            make_credential(number)
        with django_assert_max_num_queries(3):
            assert len(self.found()) == 7


class TestConcurrency:
    """Real threads, seen at the simulator."""

    def test_three_are_in_flight_and_five_take_two_waves(
        self, titan: Titan, make_credential: MakeCredential
    ) -> None:
        titan.seed(customers=3, invoices=0, tenants=5)
        for number in range(1, 6):
            make_credential(number)
        run("--data-type=customers")
        titan.mount.journal.clear()
        titan.fault("latency", "export/customers", seconds=0.4, times="forever")
        began = time.monotonic()
        said = run("--data-type=customers", "--max-concurrent=3")
        took = time.monotonic() - began
        assert "Successful: 5" in said.lines
        assert titan.mount.journal.counts()["max_in_flight"] == 3
        assert 0.8 <= took < 1.6

    def test_a_slot_is_filled_as_soon_as_it_is_free(
        self, titan: Titan, make_credential: MakeCredential
    ) -> None:
        titan.seed(customers=3, invoices=0, tenants=4)
        for number in range(1, 5):
            make_credential(number, last_successful_sync_at=timezone.now() + timedelta(seconds=number))
        run("--data-type=customers")
        titan.fault("latency", "900001/export", seconds=0.9)
        titan.fault("latency", "export/customers", seconds=0.3, times="forever")
        began = time.monotonic()
        run("--data-type=customers", "--max-concurrent=2")
        assert time.monotonic() - began < 1.5

    def test_each_sync_has_a_deadline_of_its_own(self, titan: Titan, make_credential: MakeCredential) -> None:
        titan.seed(customers=300, invoices=0, tenants=2)
        make_credential(1), make_credential(2)
        titan.fault("slow_drip", "900001/export/customers", bytes_per_second=3000)
        began = time.monotonic()
        said = run("--timeout=1", "--data-type=customers", "--max-concurrent=2")
        assert time.monotonic() - began < 3
        assert "Completed sync for Company 2: 300 records processed" in said.lines
        assert "Sync failed for Company 1: the time for this sync is used up" in said.err
        assert SyncLog.objects.get(error_code="timeout").sync_status == "failed"

    def test_an_unexpected_error_lets_running_syncs_end_and_is_raised(
        self,
        titan: Titan,
        make_credential: MakeCredential,
        monkeypatch: pytest.MonkeyPatch,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        titan.seed(customers=3, invoices=0, tenants=4)
        for number in range(1, 5):
            make_credential(number, last_successful_sync_at=timezone.now() + timedelta(seconds=number))
        titan.fault("latency", "900002/export", seconds=0.3)
        from integrations.providers.servicetitan.client import ServiceTitanClient

        real = ServiceTitanClient.log_in

        def log_in(self: ServiceTitanClient) -> None:
            if self._tenant == 900_001:
                raise ZeroDivisionError("a defect")
            real(self)

        monkeypatch.setattr(ServiceTitanClient, "log_in", log_in)
        said = run("--max-concurrent=2", "--json-output")
        assert said.code == 1
        numbers = json.loads(said.out)
        assert (numbers["total_credentials"], numbers["successful_syncs"], numbers["failed_syncs"]) == (
            4,
            1,
            1,
        )
        assert "Command failed: a defect" in said.err
        assert "Starting sync for Company 3" not in said.err
        by_message = {record.message: record for record in caplog.records}
        critical = by_message["Unexpected error during scheduled sync"]
        assert critical.levelno == logging.CRITICAL
        assert "ZeroDivisionError" in vars(critical)["trace"]
        assert by_message["Scheduled sync command failed"].levelno == logging.ERROR

    def test_a_run_that_began_meanwhile_is_left_alone(
        self, titan: Titan, make_credential: MakeCredential, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        credential = make_credential()
        SyncLog.objects.start(
            "both",
            account=credential.account,
            integration=credential.integration,
            lock_key=credential.lock_key,
        )
        module = (
            "integrations.providers.servicetitan.management.commands.servicetitan_process_scheduled_syncs"
        )
        monkeypatch.setattr(f"{module}.scheduled_credentials", lambda filters: [credential])
        said = run()
        assert (said.err, said.code) == ("", 0)
        assert {"Successful: 0", "Failed: 0"} <= set(said.lines)
        assert SyncLog.objects.count() == 1


def test_the_service_is_told_what_the_command_was_told(
    titan: Titan, make_credential: MakeCredential, monkeypatch: pytest.MonkeyPatch
) -> None:
    from integrations.providers.servicetitan.services import ServiceTitanIntegrationService

    asked = []

    def refuse(self: Any, credential: Any, config: Any, reporter: Any = None) -> None:
        asked.append(config)
        raise ServiceTitanApiError("no", 503)

    monkeypatch.setattr(ServiceTitanIntegrationService, "synchronize_data", refuse)
    make_credential()
    run("-d", "invoices", "-t", "77")
    (config,) = asked
    assert (config.data_type, config.sync_trigger, config.incremental_only) == ("invoices", "scheduled", True)
    assert 70 < config.deadline.remaining() <= 77
