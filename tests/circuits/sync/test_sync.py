"""A sync from end to end: what arrives, what is counted, how the run ends."""

from __future__ import annotations

import logging

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from circuits import services
from circuits.models import ApiStatusConfig, Circuit, CircuitUiState
from circuits.statuses import ApiStatus
from synclogs.counts import Counts
from synclogs.models import Job, SyncLog, SyncStatus
from synclogs.progress import SilentReporter
from tests.circuits.conftest import Sync, WorkStudio, circuit_row

ALL = ("ACTIV", "QC", "REWRK", "CLOSE")


def test_circuits_are_created_and_put_on_the_board(workstudio: WorkStudio, sync: Sync) -> None:
    truth = workstudio.seed(60)
    run = sync(*ALL)
    assert run.sync_status == SyncStatus.COMPLETED
    assert run.counts == Counts(created=60)
    assert Circuit.objects.count() == truth["circuits"] == CircuitUiState.objects.count()
    assert set(CircuitUiState.objects.values_list("workflow_stage", flat=True)) == {"active"}
    assert workstudio.asked() == list(ALL)
    circuit = Circuit.objects.first()
    assert circuit is not None
    assert circuit.last_run_id == run.pk
    assert circuit.content_hash


def test_what_was_edited_is_updated_and_named(workstudio: WorkStudio, sync: Sync) -> None:
    workstudio.seed(40)
    sync(*ALL)
    changed = workstudio.sim("touch", {"count": 4})["job_guids"]
    run = sync(*ALL)
    assert run.counts == Counts(updated=4, unchanged=36)
    assert run.changed_fields["percent_complete"] == 4
    assert set(Circuit.objects.filter(last_run=run).values_list("job_guid", flat=True)) == set(changed)


def test_a_sync_never_moves_a_card(workstudio: WorkStudio, sync: Sync) -> None:
    workstudio.seed(10)
    sync("ACTIV")
    CircuitUiState.objects.update(workflow_stage="closed", notes="mine")
    workstudio.sim("touch", {"count": 10})
    sync("ACTIV")
    assert set(CircuitUiState.objects.values_list("workflow_stage", "notes")) == {("closed", "mine")}


def test_a_status_that_changed_is_one_circuit(workstudio: WorkStudio, sync: Sync) -> None:
    workstudio.seed(20)
    sync(*ALL)
    guid = Circuit.objects.filter(api_status="ACTIV").values_list("job_guid", flat=True)[0]
    workstudio.sim("move", {"job_guid": guid, "status": "QC"})
    run = sync(*ALL)
    assert run.counts == Counts(updated=1, unchanged=19)
    assert run.changed_fields["api_status"] == 1
    assert Circuit.objects.get(job_guid=guid).api_status == "QC"


def test_absence_from_a_reply_deletes_nothing(workstudio: WorkStudio, sync: Sync) -> None:
    workstudio.hold(circuit_row("a"), circuit_row("b"))
    sync()
    workstudio.reset()
    workstudio.hold(circuit_row("a"))
    assert sync().counts == Counts(unchanged=1)
    assert Circuit.objects.present().count() == 2


def test_a_deleted_circuit_that_is_seen_again_is_restored(workstudio: WorkStudio, sync: Sync) -> None:
    workstudio.hold(circuit_row("a"))
    sync()
    Circuit.objects.update(deleted_at=timezone.now())
    assert sync().counts == Counts(updated=1)
    assert Circuit.objects.present().count() == 1


def circuit_writes(queries: CaptureQueriesContext) -> list[str]:
    """The statements that change a table of circuits, unlinked planners aside."""
    tables = ("circuits_circuit", "circuit_user", "circuits_region", "circuits_circuituistate")
    return [
        sql
        for query in queries.captured_queries
        if any(f'"{table}' in (sql := query["sql"]) for table in tables)
        and not sql.lstrip().upper().startswith("SELECT")
    ]


def test_a_second_sync_writes_nothing_to_circuit_tables(workstudio: WorkStudio, sync: Sync) -> None:
    workstudio.seed(120)
    sync(*ALL)
    before = list(Circuit.objects.order_by("pk").values())
    with CaptureQueriesContext(connection) as queries:
        run = sync(*ALL)
    assert run.counts == Counts(unchanged=120)
    assert circuit_writes(queries) == []
    assert list(Circuit.objects.order_by("pk").values()) == before


def test_queries_do_not_grow_with_the_circuits(workstudio: WorkStudio, sync: Sync) -> None:
    def count(circuits: int) -> tuple[int, int]:
        workstudio.seed(circuits, seed=circuits)
        Circuit.objects.all().delete()
        numbers = []
        for _ in range(2):
            with CaptureQueriesContext(connection) as queries:
                sync(*ALL)
            numbers.append(len([query for query in queries if "live_events" not in query["sql"]]))
        return numbers[0], numbers[1]

    count(60)
    small, large = count(60), count(300)
    assert small == large
    assert max(large) < 160


def test_a_status_that_is_switched_off_is_not_asked_for_and_shown_on_the_run(
    workstudio: WorkStudio, sync: Sync, caplog: pytest.LogCaptureFixture
) -> None:
    workstudio.seed(20)
    ApiStatusConfig.objects.filter(api_status="QC").update(is_active=False)
    ApiStatusConfig.objects.filter(api_status="REWRK").delete()
    with caplog.at_level(logging.WARNING):
        run = sync("ACTIV", "QC", "REWRK")
    assert workstudio.asked() == ["ACTIV", "REWRK"]
    assert run.context["switched_off"] == ["QC"]
    assert "switched off in the status settings: QC" in caplog.text


def test_the_hostile_records_each_become_an_issue_and_the_run_a_warning(
    workstudio: WorkStudio, sync: Sync
) -> None:
    truth = workstudio.seed(60, hostile=True)
    run = sync(*ALL)
    assert (run.sync_status, run.error_code) == (SyncStatus.WARNING, "records_lost")
    assert run.error_message == "5 records could not be taken: see the issues."
    assert run.counts == Counts(created=60, failed=truth["hostile"]["total"])
    found = set(run.issues.values_list("partition", "error_code", "field"))
    assert found == {
        ("ACTIV", "row_length", ""),
        ("ACTIV", "missing_key", "SS_JOBGUID"),
        ("QC", "too_long", "SS_WO"),
        ("REWRK", "wrong_type", "SS_TITLE"),
        ("CLOSE", "bad_character", "SS_TITLE"),
    }
    assert all(issue.source_id and issue.excerpt for issue in run.issues.all())


def test_wrong_types_in_some_rows_lose_those_rows_only(workstudio: WorkStudio, sync: Sync) -> None:
    workstudio.seed(circuits_per_status={"ACTIV": 12})
    workstudio.fault("wrong_types", rows=3)
    run = sync()
    assert run.counts == Counts(created=9, failed=3)


def test_when_no_row_can_be_taken_the_run_fails(workstudio: WorkStudio, sync: Sync) -> None:
    workstudio.seed(circuits_per_status={"ACTIV": 5})
    workstudio.fault("wrong_types")
    run = sync()
    assert (run.sync_status, run.error_code) == (SyncStatus.FAILED, "all_records_failed")
    assert run.counts == Counts(failed=5)
    assert run.issues.count() == 5
    assert Circuit.objects.count() == 0


def test_twins_in_one_reply_count_once_and_the_last_stays(workstudio: WorkStudio, sync: Sync) -> None:
    workstudio.answer_rows(circuit_row("a", SS_TITLE="first"), circuit_row("a", SS_TITLE="second"))
    assert sync().counts == Counts(created=1, skipped=1)
    assert Circuit.objects.get().title == "second"


def test_twins_in_two_statuses_are_created_once(workstudio: WorkStudio, sync: Sync) -> None:
    for status in ("ACTIV", "QC"):
        row = circuit_row("a", WSREQ_STATUS=status)
        workstudio.answer_rows(row, match={"contains": f'"{status}"'})
    assert sync("ACTIV", "QC").counts == Counts(created=1, updated=1)
    assert Circuit.objects.get().api_status == "QC"


def test_a_second_sync_of_the_same_lock_waits_for_the_first(workstudio: WorkStudio, sync: Sync) -> None:
    workstudio.seed(10)
    seen: list[int] = []

    class Second(SilentReporter):
        def advance(self, counts: Counts) -> None:
            before = SyncLog.objects.count(), Job.objects.count()
            with pytest.raises(Exception, match="already running"):
                services.sync_circuits_now([ApiStatus.QC], SilentReporter())
            assert (SyncLog.objects.count(), Job.objects.count()) == before
            seen.append(1)

    assert sync("ACTIV", reporter=Second()).sync_status == SyncStatus.COMPLETED
    assert seen == [1]
