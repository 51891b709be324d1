"""manage.py sync_circuit_aggregates and create_daily_snapshots: what they print and how they end."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext

from circuits import services
from circuits.days import today
from circuits.models import CircuitAggregate, CircuitSnapshot
from synclogs.models import SyncLog
from tests.circuits.conftest import WorkStudio
from tests.factories import CircuitFactory

pytestmark = pytest.mark.django_db

AGGREGATES = "sync_circuit_aggregates"
SNAPSHOTS = "create_daily_snapshots"


class Commands:
    """Runs commands; keeps what the last one printed."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys
        self.out = self.err = ""

    def __call__(self, *arguments: str) -> int:
        self._capsys.readouterr()
        code, problem = 0, ""
        try:
            call_command(*arguments)
        except CommandError as error:
            code, problem = error.returncode, str(error)
        except SystemExit as error:
            code = int(error.code or 0)
        self.out, self.err = self._capsys.readouterr()
        self.err += problem
        return code


@pytest.fixture
def command(capsys: pytest.CaptureFixture[str]) -> Commands:
    """Runs commands."""
    return Commands(capsys)


class TestAggregates:
    """manage.py sync_circuit_aggregates"""

    @pytest.fixture(autouse=True)
    def _loaded(self, workstudio: WorkStudio) -> None:
        workstudio.load("circuits")
        workstudio.load("planned_units")

    def test_it_says_in_a_line_what_was_done(self, command: Commands) -> None:
        CircuitFactory(work_order="2026-4107")
        assert command(AGGREGATES) == 0
        assert "1 circuits in" in command.out
        assert "(1 created)" in command.out
        assert "XNEW9 (1)" in command.out

    def test_one_circuit_one_status_and_force(self, command: Commands, workstudio: WorkStudio) -> None:
        one, _ = CircuitFactory(work_order="1"), CircuitFactory(work_order="2", api_status="QC")
        assert command(AGGREGATES, "--circuit", str(one.pk), "--quiet") == 0
        assert command.out == ""
        assert command(AGGREGATES, "--circuit", str(one.pk)) == 0
        assert command(AGGREGATES, "--status", "qc") == 0
        assert command(AGGREGATES, "--circuit", str(one.pk), "--force") == 0
        assert workstudio.asked() == ["1", "2", "1"]

    def test_json(self, command: Commands) -> None:
        CircuitFactory(work_order="2026-4107")
        assert command(AGGREGATES, "--json") == 0
        answer = json.loads(command.out)
        assert (answer["command"], answer["status"]) == (AGGREGATES, "partial")
        assert answer["counters"]["created"] == 1
        assert answer["sync"]["type"] == "aggregates"

    def test_a_dry_run_shows_the_numbers_and_writes_nothing(self, command: Commands) -> None:
        CircuitFactory(work_order="2026-4107")
        CircuitFactory(work_order="2026-4107", extension="C_a")
        with CaptureQueriesContext(connection) as queries:
            assert command(AGGREGATES, "--dry-run") == 0
        assert {query["sql"].split()[0].upper() for query in queries.captured_queries} == {"SELECT"}
        assert "1 circuits would get new numbers" in command.out
        assert "1 splits have no units" in command.out
        assert not CircuitAggregate.objects.exists()
        assert not SyncLog.objects.exists()
        command(AGGREGATES, "--dry-run", "--json")
        answer = json.loads(command.out)
        assert (answer["action"], answer["counters"]["would_write"]) == ("dry_run", 1)
        assert answer["changes"][0]["total_units"] == 6

    def test_a_work_order_that_fails_is_named_in_the_dry_run(
        self, command: Commands, workstudio: WorkStudio
    ) -> None:
        CircuitFactory(work_order="2026-4107")
        workstudio.fault("error_200")
        command(AGGREGATES, "--dry-run", "--json")
        answer = json.loads(command.out)
        assert (answer["status"], answer["counters"]["failed"]) == ("partial", 1)
        assert answer["not_fetched"][0]["work_order"] == "2026-4107"

    @pytest.mark.parametrize(
        "arguments", [["--status", "WORKING"], ["--circuit", "x"], ["--circuit", "1", "--status", "QC"]]
    )
    def test_wrong_usage(self, command: Commands, workstudio: WorkStudio, arguments: list[str]) -> None:
        assert command(AGGREGATES, *arguments) in (1, 2)
        assert command.err
        assert workstudio.calls() == []

    def test_a_running_one_is_exit_75_and_a_failing_one_exit_1(
        self, command: Commands, workstudio: WorkStudio
    ) -> None:
        CircuitFactory(work_order="2026-4107")
        row = services.workstudio_connection()
        lock = {"integration": row, "lock_key": row.lock_key("aggregates")}
        run = SyncLog.start("aggregates", account=row.account, **lock)
        assert command(AGGREGATES) == 75
        assert "already running" in command.err
        run.fail("stop")
        workstudio.fault("status", status=401)
        assert command(AGGREGATES) == 1


class TestSnapshots:
    """manage.py create_daily_snapshots"""

    def test_it_says_in_a_line_what_was_done_and_repeats_harmlessly(self, command: Commands) -> None:
        CircuitFactory.create_batch(3)
        assert command(SNAPSHOTS) == 0
        assert "3 circuits in" in command.out
        assert command(SNAPSHOTS, "--json") == 0
        assert json.loads(command.out)["counters"]["skipped"] == 3
        assert command(SNAPSHOTS, "--quiet") == 0
        assert command.out == ""

    def test_a_day_of_its_own(self, command: Commands) -> None:
        CircuitFactory()
        day = today() - timedelta(days=2)
        assert command(SNAPSHOTS, "--date", day.isoformat()) == 0
        assert CircuitSnapshot.objects.get().snapshot_date == day

    @pytest.mark.parametrize("day", ["yesterday", "2026-13-01", "9999-01-01"])
    def test_what_is_no_day_or_has_not_come_is_wrong_usage(self, command: Commands, day: str) -> None:
        assert command(SNAPSHOTS, "--date", day) == 2
        assert day in command.err
        assert not SyncLog.objects.exists()

    def test_a_dry_run_counts_and_writes_nothing(self, command: Commands) -> None:
        CircuitFactory.create_batch(2)
        with CaptureQueriesContext(connection) as queries:
            assert command(SNAPSHOTS, "--dry-run") == 0
        assert {query["sql"].split()[0].upper() for query in queries.captured_queries} == {"SELECT"}
        assert "2 snapshots would be taken, 0 are there" in command.out
        command(SNAPSHOTS, "--dry-run", "--json")
        assert json.loads(command.out)["counters"] == {"processed": 2, "would_create": 2, "skipped": 0}
