"""manage.py sync_circuits: what it prints where, and how it ends."""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Callable
from pathlib import Path

import pytest
from django.apps import apps
from django.core.management import CommandError, call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from circuits import services
from circuits.models import ApiStatusConfig, Circuit
from circuits.statuses import ApiStatus
from integrations.models import Integration
from synclogs.models import SyncLog
from synclogs.progress import SilentReporter
from tests.circuits.conftest import WorkStudio, circuit_row

pytestmark = pytest.mark.django_db

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    """Run the command; returns its exit code, stdout and stderr."""

    def call(*arguments: str) -> tuple[int, str, str]:
        code = 0
        capsys.readouterr()
        try:
            call_command("sync_circuits", *arguments)
        except CommandError as error:
            return error.returncode, capsys.readouterr().out, str(error)
        except SystemExit as error:
            code = int(error.code or 0)
        out, err = capsys.readouterr()
        return code, out, err

    return call


def test_a_good_run_says_so_in_one_line(workstudio: WorkStudio, run: Run) -> None:
    workstudio.seed(circuits_per_status={"ACTIV": 12})
    code, out, _ = run()
    assert code == 0
    assert out.startswith("completed: 12 circuits in ")
    assert out.rstrip().endswith("(12 created).")
    assert out.count("\n") == 1


def test_lost_records_are_told_with_the_run_to_look_at(workstudio: WorkStudio, run: Run) -> None:
    workstudio.seed(20, hostile=True)
    code, out, _ = run("--status", "ACTIV")
    assert code == 0
    assert "completed with warning" in out
    assert "2 records could not be taken: see the issues." in out
    assert str(SyncLog.objects.get().pk) in out


@pytest.mark.parametrize(
    ("words", "asked"),
    [
        ([], ["ACTIV"]),
        (["--status", "activ", "Qc"], ["ACTIV", "QC"]),
        (["--status", "REWORK,closed"], ["REWRK", "CLOSE"]),
        (["--status", "QC", "--status", "QC", "ACTIV"], ["QC", "ACTIV"]),
        (["--status", "all"], ["ACTIV", "QC", "REWRK", "CLOSE"]),
    ],
)
def test_statuses_are_understood_in_any_case_and_by_their_other_names(
    workstudio: WorkStudio, run: Run, words: list[str], asked: list[str]
) -> None:
    assert run(*words)[0] == 0
    assert workstudio.asked() == asked


def test_an_unknown_status_is_wrong_usage_and_asks_nothing(workstudio: WorkStudio, run: Run) -> None:
    code, out, err = run("--status", "ACTIV", "WORKING")
    assert code == 2
    assert "unknown status 'WORKING'; choose from ACTIV, QC, REWRK, CLOSE" in err
    assert out == ""
    assert workstudio.calls() == []
    assert not SyncLog.objects.exists()


def test_json_is_one_object_on_stdout(workstudio: WorkStudio, run: Run) -> None:
    workstudio.seed(20, hostile=True)
    code, out, _ = run("--json", "--status", "ACTIV")
    answer = json.loads(out)
    assert code == 0
    assert (answer["command"], answer["status"]) == ("sync_circuits", "partial")
    assert answer["counters"]["failed"] == 2
    assert answer["counters"]["processed"] == sum(
        answer["counters"][name] for name in ("created", "updated", "unchanged", "skipped", "failed")
    )
    assert answer["sync"]["status"] == "completed_with_warning"
    assert answer["run_id"] == str(SyncLog.objects.get().pk)
    assert answer["errors"] == []


def test_quiet_prints_nothing_on_success(workstudio: WorkStudio, run: Run) -> None:
    workstudio.seed(10)
    assert run("--quiet") == (0, "", "")


def test_progress_is_logged_and_not_on_stdout(
    workstudio: WorkStudio, run: Run, caplog: pytest.LogCaptureFixture
) -> None:
    workstudio.seed(10)
    with caplog.at_level(logging.INFO):
        _, out, _ = run()
    assert "ACTIV: asking WorkStudio" in caplog.text
    assert "asking" not in out


def test_a_server_that_is_down_is_exit_1_and_one_line(workstudio: WorkStudio, run: Run) -> None:
    workstudio.fault("status", status=503, match={}, times="forever")
    code, _, err = run("--quiet")
    assert code == 1
    assert err.startswith("WorkStudio API is unavailable. Check that")
    assert err.count("\n") == 1


def test_a_failure_is_an_error_in_json(workstudio: WorkStudio, run: Run, settings: Settings) -> None:
    settings.WORKSTUDIO_PASSWORD = ""
    code, out, _ = run("--json")
    answer = json.loads(out)
    assert (code, answer["status"]) == (1, "failed")
    assert answer["errors"][0]["code"] == "not_configured"
    assert "WORKSTUDIO_PASSWORD is not set" in answer["errors"][0]["message"]
    assert answer["sync"]["status"] == "failed"


def test_a_sync_that_is_running_is_exit_75_and_leaves_no_rows(workstudio: WorkStudio, run: Run) -> None:
    connection_row = services.workstudio_connection()
    SyncLog.start(
        "circuit_list",
        account=connection_row.account,
        integration=connection_row,
        lock_key=connection_row.lock_key("circuit_list"),
    )
    before = rows()
    code, out, err = run()
    assert (code, out) == (75, "")
    assert "already running" in err
    assert without_executions(rows()) == without_executions(before)
    assert workstudio.calls() == []


def test_a_status_that_is_switched_off_is_mentioned(workstudio: WorkStudio, run: Run) -> None:
    ApiStatusConfig.objects.filter(api_status="CLOSE").update(is_active=False)
    assert "Switched off and not synced: CLOSE." in run("--status", "ACTIV", "CLOSE")[1]


def rows() -> dict[str, int]:
    """How many rows every table has."""
    return {model._meta.label: model._default_manager.count() for model in apps.get_models()}


def without_executions(counts: dict[str, int]) -> dict[str, int]:
    return {label: count for label, count in counts.items() if label != "synclogs.CommandExecution"}


class TestDryRun:
    """Fetches, shows, writes nothing."""

    @pytest.fixture
    def known(self, workstudio: WorkStudio) -> None:
        workstudio.hold(*(circuit_row(guid, SS_TITLE="OLD") for guid in ("same", "changed", "moved")))
        services.sync_circuits_now([ApiStatus.ACTIV], SilentReporter())
        Circuit.objects.filter(job_guid="moved").update(region=None, content_hash="")
        Integration.objects.all().delete()
        workstudio.hold(
            circuit_row("changed", SS_TITLE="NEW", VEGJOB_LENGTH=3),
            circuit_row("moved", SS_TITLE="OLD", REGION="Unheard Of"),
            circuit_row("new"),
        )

    def test_it_lists_what_would_change_with_the_fields(
        self, workstudio: WorkStudio, run: Run, known: None
    ) -> None:
        workstudio.sim("circuits", [{"SS_JOBGUID": "bad", "SS_TITLE": {"a": 1}, "WSREQ_STATUS": "ACTIV"}])
        code, out, _ = run("--dry-run")
        assert code == 0
        assert "1 would be created, 2 changed, 1 left alone, 1 cannot be taken" in out
        assert "title, total_miles" in out
        assert "region" in out
        assert "region_id" not in out
        assert "cannot be taken: bad: SS_TITLE should be text" in out

    def test_as_json(self, workstudio: WorkStudio, run: Run, known: None) -> None:
        code, out, _ = run("--dry-run", "--json")
        answer = json.loads(out)
        assert (code, answer["action"], answer["run_id"]) == (0, "dry_run", None)
        assert answer["counters"] == {
            "processed": 4,
            "would_create": 1,
            "would_update": 2,
            "unchanged": 1,
            "skipped": 0,
            "refused": 0,
        }
        changes = {change["job_guid"]: change["fields"] for change in answer["changes"]}
        assert changes == {"changed": ["title", "total_miles"], "moved": ["region"]}

    def test_no_row_is_made_and_no_statement_writes(
        self, workstudio: WorkStudio, run: Run, known: None
    ) -> None:
        before = rows()
        with CaptureQueriesContext(connection) as queries:
            assert run("--dry-run", "--status", "ALL")[0] == 0
        assert rows() == before
        assert before["integrations.Integration"] == 0
        kinds = {query["sql"].split()[0].upper() for query in queries.captured_queries}
        assert kinds == {"SELECT"}

    def test_a_circuit_in_two_statuses_is_counted_once(self, workstudio: WorkStudio, run: Run) -> None:
        for status in ("ACTIV", "QC"):
            workstudio.answer_rows(circuit_row("a"), match={"contains": f'"{status}"'})
        answer = json.loads(run("--dry-run", "--json", "--status", "ACTIV", "QC")[1])
        assert (answer["counters"]["would_create"], answer["counters"]["skipped"]) == (1, 1)

    def test_a_failure_is_exit_1_and_says_what_to_do(self, workstudio: WorkStudio, run: Run) -> None:
        workstudio.fault("error_200", message="View is locked")
        code, out, err = run("--dry-run")
        assert (code, out) == (1, "")
        assert "View is locked. Read WorkStudio's message" in err


@pytest.mark.django_db(transaction=True)
def test_a_dry_run_leaves_a_sqlite_file_byte_for_byte_as_it_was(workstudio: WorkStudio, run: Run) -> None:
    if connection.vendor != "sqlite":
        assert run("--dry-run")[0] == 0
        return
    workstudio.seed(50)

    def digest() -> str:
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        return hashlib.sha256(Path(connection.settings_dict["NAME"]).read_bytes()).hexdigest()

    before = digest()
    assert run("--dry-run", "--status", "ALL")[0] == 0
    assert digest() == before
