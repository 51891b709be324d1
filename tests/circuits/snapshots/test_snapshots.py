"""Daily snapshots: once a circuit and day, however often they are asked for."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from circuits import services
from circuits.days import today
from circuits.models import Circuit, CircuitAggregate, CircuitSnapshot
from circuits.snapshots.job import CreateDailySnapshotsJob
from circuits.statuses import WorkflowStage
from integrations.models import Integration, IntegrationStatus
from synclogs.counts import Counts
from synclogs.models import Job, SyncLog, SyncStatus
from synclogs.progress import Reporter, SilentReporter
from tests.circuits.conftest import Sync, WorkStudio, take_up, work_off
from tests.factories import CircuitFactory

pytestmark = pytest.mark.django_db


def snap(day: date | None = None, reporter: Reporter | None = None) -> SyncLog:
    """Take the day's snapshots in this process; returns the run."""
    job, _ = services.create_daily_snapshots_now(day, reporter or SilentReporter())
    return SyncLog.objects.get(job=job)


def test_a_snapshot_shows_the_circuit_its_stage_and_its_latest_numbers() -> None:
    circuit = CircuitFactory(miles_planned="9.80", percent_complete="44")
    circuit.get_or_create_ui_state().move_to_stage(WorkflowStage.QC, None)
    for days, units in ((3, 5), (1, 7)):
        CircuitAggregate.objects.create(
            circuit=circuit,
            aggregate_date=today() - timedelta(days=days),
            total_units=units,
            total_linear_ft="12.50",
            units_approved=2,
            planner_distribution={"Morgan": {"unit_count": units}},
            unit_counts_by_type={"SPM": units},
        )
    CircuitAggregate.objects.create(circuit=circuit, aggregate_date=today(), is_rollup=True, total_units=99)
    run = snap()
    assert (run.sync_status, run.counts) == (SyncStatus.COMPLETED, Counts(created=1))
    snapshot = CircuitSnapshot.objects.get()
    assert (snapshot.circuit, snapshot.snapshot_type, snapshot.snapshot_date) == (circuit, "daily", today())
    assert (snapshot.api_status, snapshot.workflow_stage) == ("ACTIV", "qc")
    assert (snapshot.miles_planned, snapshot.percent_complete) == (Decimal("9.80"), Decimal("44.00"))
    assert (snapshot.total_units, snapshot.total_linear_ft, snapshot.units_approved) == (
        7,
        Decimal("12.50"),
        2,
    )
    assert snapshot.metrics == {
        "unit_counts_by_type": {"SPM": 7},
        "planner_distribution": {"Morgan": {"unit_count": 7}},
    }


def test_without_numbers_or_a_place_on_the_board_it_shows_zeros_and_active() -> None:
    CircuitFactory()
    snap()
    snapshot = CircuitSnapshot.objects.get()
    assert snapshot.total_units == snapshot.total_acres == 0
    assert snapshot.metrics == {}
    assert snapshot.workflow_stage == "active"


def test_closed_deleted_and_excluded_circuits_get_none() -> None:
    CircuitFactory(api_status="CLOSE")
    CircuitFactory(deleted_at=timezone.now())
    CircuitFactory(is_excluded=True)
    kept = [CircuitFactory(api_status=status) for status in ("ACTIV", "QC", "REWRK", "SA")]
    snap()
    assert set(CircuitSnapshot.objects.values_list("circuit", flat=True)) == {circuit.pk for circuit in kept}


def test_the_first_snapshot_of_a_day_wins() -> None:
    circuit = CircuitFactory(percent_complete="44")
    snap()
    Circuit.objects.update(percent_complete="50")
    CircuitFactory()
    assert snap().counts == Counts(created=1, skipped=1)
    assert CircuitSnapshot.objects.get(circuit=circuit).percent_complete == Decimal("44.00")
    assert snap(today() - timedelta(days=1)).counts == Counts(created=2)


def test_a_sync_and_the_schedule_ask_for_the_same_day_and_there_is_one(
    workstudio: WorkStudio, sync: Sync
) -> None:
    workstudio.seed(20)
    sync("ACTIV")
    asked_by_sync = Job.objects.get(name=CreateDailySnapshotsJob.name)
    assert asked_by_sync.args["date"] == today().isoformat()
    sync("QC")
    assert Job.objects.filter(name=CreateDailySnapshotsJob.name).count() == 1
    scheduled = services.queue_daily_snapshots(trigger="scheduled")
    assert scheduled.pk != asked_by_sync.pk
    for job in (asked_by_sync, scheduled):
        work_off(job)
    assert CircuitSnapshot.objects.count() == Circuit.objects.count()
    last = SyncLog.objects.get(job=scheduled)
    assert last.counts == Counts(skipped=Circuit.objects.count())
    assert last.sync_trigger == "scheduled"


def test_the_job_is_not_there_when_the_sync_s_end_is_rolled_back(
    workstudio: WorkStudio, sync: Sync, monkeypatch: pytest.MonkeyPatch
) -> None:
    workstudio.seed(10)

    def fails(run: SyncLog, results: object = None) -> None:
        raise ValueError("the end cannot be written")

    monkeypatch.setattr(SyncLog, "complete", fails)
    assert sync().sync_status == SyncStatus.FAILED
    assert not Job.objects.filter(name=CreateDailySnapshotsJob.name).exists()


def test_one_that_cannot_be_taken_does_not_stop_the_others() -> None:
    refuse_status("BROKEN")
    good = CircuitFactory.create_batch(4)
    bad = CircuitFactory(api_status="BROKEN")
    run = snap()
    assert (run.sync_status, run.counts) == (SyncStatus.WARNING, Counts(created=4, failed=1))
    assert run.issues.get().source_id == str(bad.pk)
    assert set(CircuitSnapshot.objects.values_list("circuit", flat=True)) == {c.pk for c in good}


def test_when_none_can_be_taken_the_run_fails() -> None:
    refuse_status("BROKEN")
    CircuitFactory(api_status="BROKEN")
    assert snap().sync_status == SyncStatus.FAILED


def test_queries_do_not_grow_with_the_circuits() -> None:
    def count(circuits: int) -> int:
        Circuit.objects.all().delete()
        CircuitFactory.create_batch(circuits, region=None)
        with CaptureQueriesContext(connection) as queries:
            assert snap().counts.created == circuits
        return len([query for query in queries if "live_events" not in query["sql"]])

    count(1)
    assert count(5) == count(150)


def test_taken_up_after_a_kill_it_counts_exactly(monkeypatch: pytest.MonkeyPatch) -> None:
    class Killed(BaseException):
        pass

    class Dies(SilentReporter):
        def advance(self, counts: Counts) -> None:
            raise Killed

    refuse_status("BROKEN")
    first = CircuitFactory.create_batch(2)
    snap()
    CircuitFactory(api_status="BROKEN")
    CircuitFactory.create_batch(4)
    monkeypatch.setattr(CreateDailySnapshotsJob, "batch_size", 2)
    with pytest.raises(Killed):
        snap(reporter=Dies())
    run = SyncLog.objects.latest("started_at")
    take_up(run)
    assert run.counts == Counts(created=4, skipped=len(first), failed=1)
    assert run.issues.count() == 1
    assert CircuitSnapshot.objects.count() == 6


def test_it_is_filed_under_new_york_s_day(monkeypatch: pytest.MonkeyPatch) -> None:
    CircuitFactory()
    monkeypatch.setattr(timezone, "now", lambda: datetime(2026, 3, 9, 3, 30, tzinfo=UTC))
    snap()
    assert CircuitSnapshot.objects.get().snapshot_date == date(2026, 3, 8)


def test_it_says_nothing_about_the_connection() -> None:
    services.workstudio_connection()
    Integration.objects.update(status=IntegrationStatus.NEEDS_ATTENTION, status_reason="unauthorized")
    CircuitFactory()
    snap()
    assert Integration.objects.get().status == IntegrationStatus.NEEDS_ATTENTION


def refuse_status(status: str) -> None:
    """Make the database itself refuse snapshots in this status."""
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute(
                "CREATE TRIGGER refuse_snapshot BEFORE INSERT ON circuits_circuitsnapshot "
                f"WHEN NEW.api_status = '{status}' BEGIN SELECT RAISE(ABORT, 'no such status'); END"
            )
        else:
            cursor.execute(
                "ALTER TABLE circuits_circuitsnapshot "
                f"ADD CONSTRAINT no_such_status CHECK (api_status <> '{status}')"
            )
