"""servicetitan_process_scheduled_syncs: which credentials, how many at a time, what it says."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.core.management.base import CommandError

from integrations.providers.servicetitan.errors import ServiceTitanApiError
from integrations.providers.servicetitan.models import CredentialState
from synclogs.models import CommandExecution, Job, SyncLog
from tests.integrations.providers.servicetitan.conftest import MakeCredential, Titan
from tests.integrations.providers.servicetitan.syncing import (
    FIVE_KEYS,
    run,
)

pytestmark = pytest.mark.django_db(transaction=True)


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
