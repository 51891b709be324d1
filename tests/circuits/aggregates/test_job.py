"""Planned units from end to end: what is asked, written, left alone and told."""

from __future__ import annotations

import logging
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from circuits import services
from circuits.aggregates.job import SyncCircuitAggregatesJob
from circuits.aggregates.selection import Wanted
from circuits.days import today
from circuits.models import ApiStatusConfig, Circuit, CircuitAggregate, UnitType
from circuits.statuses import ApiStatus
from synclogs.counts import Counts
from synclogs.models import SyncLog, SyncStatus
from synclogs.progress import Reporter, SilentReporter
from tests.circuits.conftest import WorkStudio, take_up
from tests.factories import CircuitFactory

pytestmark = pytest.mark.django_db

WO = "2026-4107"


def measure(wanted: Wanted | None = None, reporter: Reporter | None = None) -> SyncLog:
    """Fetch planned units in this process; returns the run."""
    job, _ = services.sync_aggregates_now(wanted or Wanted(), reporter or SilentReporter())
    return SyncLog.objects.get(job=job)


@pytest.fixture
def loaded(workstudio: WorkStudio) -> Circuit:
    """WorkStudio holds the sample; the database its main circuit."""
    workstudio.load("circuits")
    workstudio.load("planned_units")
    main: Circuit = CircuitFactory(work_order=WO, total_miles="22.41", miles_planned="9.80")
    return main


def test_the_sample_s_main_circuit_and_its_split(workstudio: WorkStudio, loaded: Circuit) -> None:
    split = CircuitFactory(work_order=WO, extension="C_a")
    UnitType.objects.create(code="XNEW9", name="New", category="VNW", measurement_type="none")
    run = measure()
    assert (run.sync_status, run.counts) == (SyncStatus.COMPLETED, Counts(created=1, skipped=1))
    assert run.extra_counts == {"aggregates_created": 1, "units": 6, "units_refused": 0}
    assert workstudio.asked() == [WO]
    assert workstudio.calls()[0]["summary"]["filter"] == "WO#"
    aggregate = CircuitAggregate.objects.get()
    assert (aggregate.circuit, aggregate.aggregate_date, aggregate.is_rollup) == (loaded, today(), False)
    assert (aggregate.total_units, aggregate.total_linear_ft) == (6, Decimal("212.50"))
    assert (aggregate.total_miles, aggregate.miles_planned, aggregate.miles_remaining) == (
        Decimal("22.41"),
        Decimal("9.80"),
        Decimal("12.61"),
    )
    assert aggregate.approval_rate == 20.0
    for circuit in Circuit.objects.filter(pk__in=[loaded.pk, split.pk]):
        assert circuit.last_planned_units_synced_at is not None


def test_an_unknown_code_is_told_once_a_run(
    workstudio: WorkStudio, loaded: Circuit, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING, "syncplatform.circuits"):
        run = measure()
    assert (run.sync_status, run.error_code) == (SyncStatus.WARNING, "unknown_unit_codes")
    assert "XNEW9 (1)" in run.error_message
    assert caplog.text.count("XNEW9") == 1
    assert CircuitAggregate.objects.get().total_linear_ft == Decimal("212.50")


def test_zero_units_are_zeros_for_a_main_circuit_and_nothing_for_a_split(workstudio: WorkStudio) -> None:
    workstudio.seed(10, units=False)
    main, split = CircuitFactory(work_order="1"), CircuitFactory(work_order="2", extension="C_a")
    run = measure()
    assert run.counts == Counts(created=1, skipped=1)
    aggregate = CircuitAggregate.objects.get()
    assert (aggregate.circuit, aggregate.total_units, aggregate.approval_rate) == (main, 0, None)
    split.refresh_from_db()
    assert split.last_planned_units_synced_at is not None


def test_numbers_that_did_not_change_are_not_written_again(workstudio: WorkStudio, loaded: Circuit) -> None:
    measure()
    CircuitAggregate.objects.update(aggregate_date=today() - timedelta(days=1))
    before = CircuitAggregate.objects.values().get()
    with CaptureQueriesContext(connection) as queries:
        assert measure(Wanted(force=True)).counts == Counts(unchanged=1)
    assert not [q for q in queries if '"circuits_circuitaggregate"' in q["sql"] and "INSERT" in q["sql"]]
    assert CircuitAggregate.objects.values().get() == before


def test_any_change_of_the_numbers_is_a_new_row_once_a_day(workstudio: WorkStudio, loaded: Circuit) -> None:
    measure()
    CircuitAggregate.objects.update(aggregate_date=today() - timedelta(days=1))
    Circuit.objects.update(miles_planned="9.81")
    assert measure(Wanted(force=True)).counts == Counts(created=1)
    Circuit.objects.update(miles_planned="9.82")
    assert measure(Wanted(force=True)).counts == Counts(updated=1)
    rows = CircuitAggregate.objects.order_by("aggregate_date").values_list("aggregate_date", "miles_planned")
    assert list(rows) == [(today() - timedelta(days=1), Decimal("9.80")), (today(), Decimal("9.82"))]
    latest = CircuitAggregate.objects.all().latest_of_each().get()
    assert latest.miles_planned == Decimal("9.82")


def test_which_circuits_are_taken(workstudio: WorkStudio) -> None:
    now = timezone.now()
    due = {"due-1", "due-2", "due-3"}
    CircuitFactory(work_order="due-1")
    CircuitFactory(work_order="due-2", api_status="QC")
    old = now - timedelta(hours=13)
    CircuitFactory(work_order="due-3", api_status="REWRK", last_planned_units_synced_at=old)
    CircuitFactory(work_order="fresh", last_planned_units_synced_at=now - timedelta(hours=11))
    CircuitFactory(work_order="closed", api_status="CLOSE")
    CircuitFactory(work_order="excluded", is_excluded=True)
    CircuitFactory(work_order="deleted", deleted_at=now)
    CircuitFactory(work_order="off", planned_units_sync_enabled=False)
    CircuitFactory(work_order="")
    measure()
    assert set(workstudio.asked()) == due
    measure(Wanted(force=True))
    assert set(workstudio.asked()[3:]) == due | {"fresh"}


def test_circuits_by_id_and_statuses_without_planned_units(workstudio: WorkStudio) -> None:
    one, _ = CircuitFactory(work_order="1", api_status="CLOSE"), CircuitFactory(work_order="2")
    measure(Wanted((one.pk,)))
    assert workstudio.asked() == ["1"]
    ApiStatusConfig.objects.filter(api_status="ACTIV").update(sync_planned_units=False)
    measure(Wanted(statuses=(ApiStatus.ACTIV, ApiStatus.CLOSE), force=True))
    assert workstudio.asked() == ["1"]


def test_a_work_order_is_asked_for_once_for_all_its_circuits(workstudio: WorkStudio) -> None:
    for extension in ("@", "C_a", "C_b"):
        CircuitFactory(work_order=WO, extension=extension)
    measure()
    assert workstudio.asked() == [WO]


def test_a_fetch_that_fails_leaves_the_earlier_numbers_and_the_others_go_on(
    workstudio: WorkStudio, loaded: Circuit
) -> None:
    measure()
    before = CircuitAggregate.objects.values().get()
    stamp = Circuit.objects.get().last_planned_units_synced_at
    other = CircuitFactory(work_order="2026-9999")
    Circuit.objects.filter(pk=loaded.pk).update(miles_planned=5)
    workstudio.fault("error_200", match={"contains": WO}, message="Work order is locked")
    run = measure(Wanted(force=True))
    assert (run.sync_status, run.error_code) == (SyncStatus.WARNING, "records_lost")
    assert run.counts == Counts(created=1, failed=1)
    assert CircuitAggregate.objects.filter(circuit=loaded).values().get() == before
    assert Circuit.objects.get(pk=loaded.pk).last_planned_units_synced_at == stamp
    issue = run.issues.get()
    assert (issue.source_id, issue.error_code) == (WO, "protocol")
    assert "Work order is locked" in issue.error_message
    assert CircuitAggregate.objects.filter(circuit=other).exists()


def test_three_failures_in_a_row_end_the_run_and_keep_what_was_fetched(workstudio: WorkStudio) -> None:
    for number in range(6):
        CircuitFactory(work_order=f"wo-{number}")
    workstudio.fault("error_200", after=1, times="forever")
    run = measure()
    assert (run.sync_status, run.error_code) == (SyncStatus.FAILED, "protocol")
    assert workstudio.asked() == ["wo-0", "wo-1", "wo-2", "wo-3"]
    assert run.counts == Counts(created=1, failed=2)


def test_a_refused_login_ends_the_run_at_once(workstudio: WorkStudio) -> None:
    CircuitFactory.create_batch(3)
    workstudio.fault("status", status=401, times="forever")
    run = measure()
    assert (run.sync_status, run.error_code) == (SyncStatus.FAILED, "unauthorized")
    assert len(workstudio.calls()) == 1


def test_units_that_cannot_be_read_are_issues(workstudio: WorkStudio, loaded: Circuit) -> None:
    workstudio.fault("wrong_types", rows=2)
    run = measure()
    assert run.counts == Counts(created=1)
    assert run.extra_counts["units_refused"] == 2
    assert "2 planned units could not be read" in run.error_message
    assert CircuitAggregate.objects.get().total_units == 4
    assert "owner" not in "".join(f"{issue.error_message}{issue.excerpt}" for issue in run.issues.all())


def test_queries_do_not_grow_with_the_work_orders(workstudio: WorkStudio) -> None:
    workstudio.seed(200, circuits_per_status={"QC": 0, "REWRK": 0, "CLOSE": 0, "ACTIV": 0})

    def count(circuits: int) -> int:
        Circuit.objects.all().delete()
        CircuitFactory.create_batch(circuits, region=None)
        with CaptureQueriesContext(connection) as queries:
            assert measure().counts.created == circuits
        return len([query for query in queries if "live_events" not in query["sql"]])

    count(1)
    assert count(3) == count(45)


def test_it_pauses_after_every_five_calls(workstudio: WorkStudio, sleeps: list[float]) -> None:
    CircuitFactory.create_batch(11, region=None)
    measure()
    assert sleeps == [0.5, 0.5]


def test_taken_up_after_a_kill_it_goes_on_where_it_was(
    workstudio: WorkStudio, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Killed(BaseException):
        pass

    class Dies(SilentReporter):
        def advance(self, counts: Counts) -> None:
            raise Killed

    monkeypatch.setattr(SyncCircuitAggregatesJob, "batch_size", 2)
    for number in range(5):
        CircuitFactory(work_order=f"wo-{number}")
    with pytest.raises(Killed):
        measure(Wanted(force=True), Dies())
    run = SyncLog.objects.get()
    take_up(run)
    assert run.counts == Counts(created=5)
    assert run.extra_counts["aggregates_created"] == 5
    assert workstudio.asked() == [f"wo-{number}" for number in range(5)]


def test_the_day_is_new_york_s(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timezone, "now", lambda: datetime(2026, 7, 1, 3, 59, tzinfo=UTC))
    assert today() == date(2026, 6, 30)
    monkeypatch.setattr(timezone, "now", lambda: datetime(2026, 7, 1, 4, 0, tzinfo=UTC))
    assert today() == date(2026, 7, 1)
    monkeypatch.setattr(timezone, "now", lambda: datetime(2026, 12, 1, 4, 59, tzinfo=UTC))
    assert today() == date(2026, 11, 30)
