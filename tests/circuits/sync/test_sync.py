"""A sync from end to end: what arrives, what is counted, how the run ends."""

from __future__ import annotations

import logging
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django import Settings

from circuits import services
from circuits.models import ApiStatusConfig, Circuit, CircuitUiState, Region
from circuits.statuses import ApiStatus
from circuits.sync.job import SyncCircuitsJob
from integrations.models import IntegrationStatus
from synclogs.counts import Counts
from synclogs.models import Job, JobStatus, SyncLog, SyncStatus
from synclogs.progress import SilentReporter
from tests.circuits.conftest import Sync, WorkStudio, circuit_row, job_of

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


def test_an_unreachable_server_fails_the_run_before_anything_is_asked(
    workstudio: WorkStudio, sync: Sync, caplog: pytest.LogCaptureFixture
) -> None:
    workstudio.fault("status", status=503, match={}, times="forever")
    run = sync()
    assert (run.sync_status, run.error_code) == (SyncStatus.FAILED, "unavailable")
    assert run.error_message == "WorkStudio API is unavailable"
    assert "WORKSTUDIO_API_URL" in run.error_details["what_to_do"]
    assert workstudio.calls() == []
    assert run.lock_key is None


def test_without_a_login_nothing_is_asked_and_the_run_says_what_to_set(
    workstudio: WorkStudio, sync: Sync, settings: Settings
) -> None:
    settings.WORKSTUDIO_USERNAME = ""
    run = sync()
    assert (run.sync_status, run.error_code) == (SyncStatus.FAILED, "not_configured")
    assert "WORKSTUDIO_USERNAME" in run.error_message
    assert workstudio.server.mounts["workstudio"].journal.counts()["requests"] == 0


def test_a_refused_login_stops_at_once_and_the_way_back_is_a_good_run(
    workstudio: WorkStudio, sync: Sync, settings: Settings
) -> None:
    workstudio.seed(10)
    password, settings.WORKSTUDIO_PASSWORD = settings.WORKSTUDIO_PASSWORD, "wrong-password"
    run = sync(*ALL)
    assert (run.sync_status, run.error_code) == (SyncStatus.FAILED, "unauthorized")
    assert len(workstudio.calls()) == 1
    connection_row = services.workstudio_connection()
    assert (connection_row.status, connection_row.status_reason) == (
        IntegrationStatus.NEEDS_ATTENTION,
        "unauthorized",
    )
    assert connection_row.error_count == 1
    assert "wrong-password" not in str(run.as_dict()) + str(run.error_details)
    settings.WORKSTUDIO_PASSWORD = password
    assert sync(*ALL).sync_status == SyncStatus.COMPLETED
    connection_row.refresh_from_db()
    assert (connection_row.status, connection_row.error_count) == (IntegrationStatus.ACTIVE, 0)


def test_an_error_with_http_200_fails_the_run(workstudio: WorkStudio, sync: Sync) -> None:
    workstudio.seed(10)
    workstudio.fault("error_200", message="View is locked")
    run = sync()
    assert (run.sync_status, run.error_code) == (SyncStatus.FAILED, "protocol")
    assert "View is locked" in run.error_message
    assert Circuit.objects.count() == 0


def test_a_reply_of_an_unknown_protocol_fails_the_run(workstudio: WorkStudio, sync: Sync) -> None:
    workstudio.answer({"Protocol": "QUERYRESULT"})
    run = sync()
    assert (run.sync_status, run.error_code) == (SyncStatus.FAILED, "protocol")


def test_a_long_wait_asked_for_by_the_vendor_postpones_the_job_and_keeps_the_run_open(
    workstudio: WorkStudio, sync: Sync
) -> None:
    workstudio.fault("status", status=429, headers={"Retry-After": "300"})
    run = sync()
    assert run.sync_status == SyncStatus.STARTED
    job = job_of(run)
    assert (job.status, job.attempts) == (JobStatus.QUEUED, 0)
    assert 290 < (job.run_at - timezone.now()).total_seconds() <= 300


def test_a_failure_keeps_finished_statuses_and_asks_for_nothing_more(
    workstudio: WorkStudio, sync: Sync
) -> None:
    workstudio.seed(40)
    workstudio.fault("status", status=500, times="forever", match={"contains": '"REWRK"'})
    run = sync(*ALL)
    assert run.sync_status == SyncStatus.FAILED
    finished = Circuit.objects.filter(api_status__in=["ACTIV", "QC"]).count()
    assert run.counts == Counts(created=finished) == Counts(created=Circuit.objects.count())
    assert "CLOSE" not in workstudio.asked()
    assert list(Job.objects.values_list("name", flat=True)) == [SyncCircuitsJob.name]


ZERO = [
    {"Protocol": "DATASET", "DataSet": {"Heading": ["SS_JOBGUID"], "Data": []}},
    {"Protocol": "DATASET", "DataSet": {"Heading": ["SS_JOBGUID"]}},
    {"Protocol": "DATASET"},
    {"DataSet": {"Heading": ["SS_JOBGUID"], "Data": []}},
]


@pytest.mark.parametrize("body", ZERO)
def test_no_rows_where_none_are_known_is_fine(
    workstudio: WorkStudio, sync: Sync, body: dict[str, Any]
) -> None:
    workstudio.answer(body)
    run = sync()
    assert (run.sync_status, run.counts) == (SyncStatus.COMPLETED, Counts())


@pytest.mark.parametrize("body", ZERO)
def test_no_rows_where_circuits_are_known_is_a_warning(
    workstudio: WorkStudio, sync: Sync, body: dict[str, Any]
) -> None:
    workstudio.hold(circuit_row("a"), circuit_row("b"))
    sync()
    workstudio.answer(body)
    run = sync()
    assert (run.sync_status, run.error_code) == (SyncStatus.WARNING, "unusual_zero")
    assert "no ACTIV circuits, but the last syncs found some (2)" in run.error_message
    assert Circuit.objects.present().count() == 2


def test_a_status_whose_circuits_all_moved_on_is_no_warning(workstudio: WorkStudio, sync: Sync) -> None:
    workstudio.hold(circuit_row("a", WSREQ_STATUS="QC"))
    sync("QC")
    workstudio.hold(circuit_row("a", WSREQ_STATUS="CLOSE"))
    assert sync("QC", "CLOSE").sync_status == SyncStatus.COMPLETED


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


def test_unknown_regions_are_added_known_ones_found_whatever_their_spelling(
    workstudio: WorkStudio, sync: Sync
) -> None:
    workstudio.hold(
        circuit_row("a", REGION=" NORTH  fork "),
        circuit_row("b", REGION="Outer Territory"),
        circuit_row("c", REGION="outer TERRITORY"),
        circuit_row("d", REGION=None),
        circuit_row("e", REGION=""),
        circuit_row("f", REGION="Outer-Territory"),
    )
    sync()
    names = dict(Circuit.objects.values_list("job_guid", "region__name"))
    assert names["a"] == "North Fork"
    assert names["b"] == names["c"]
    assert names["b"] is not None
    assert names["b"].casefold() == "outer territory"
    assert names["d"] is names["e"] is None
    added = Region.objects.filter(discovered=True).values_list("name", "code")
    assert {code for _, code in added} == {"OUTER-TERRITORY", "OUTER-TERRITORY-2"}


def test_splits_point_to_their_main_circuit_wherever_and_whenever_it_arrives(
    workstudio: WorkStudio, sync: Sync
) -> None:
    def row(guid: str, extension: str, order: str = "2026-1", **cells: Any) -> dict[str, Any]:
        return circuit_row(guid, SS_EXT=extension, SS_WO=order, **cells)

    workstudio.hold(
        row("child", "C_a"),
        row("main", "@", WSREQ_STATUS="QC"),
        row("orphan", "C_a", "2026-2"),
        row("none", "C_b", ""),
        row("other", "@", ""),
    )
    sync("ACTIV", "QC")
    parents = dict(Circuit.objects.values_list("job_guid", "parent_circuit__job_guid"))
    assert parents == {"child": "main", "main": None, "orphan": None, "none": None, "other": None}
    workstudio.hold(row("late", "@", "2026-2"), row("child", "@"), row("main", "C_b", WSREQ_STATUS="QC"))
    sync("ACTIV", "QC")
    parents = dict(Circuit.objects.values_list("job_guid", "parent_circuit__job_guid"))
    assert parents == {
        "child": None,
        "main": "child",
        "orphan": "late",
        "late": None,
        "none": None,
        "other": None,
    }


def test_a_heading_in_another_order_and_case_changes_nothing(workstudio: WorkStudio, sync: Sync) -> None:
    workstudio.seed(30)
    sync(*ALL)
    workstudio.sim("headings", {"reorder": True, "case": "lower"})
    assert sync(*ALL).counts == Counts(unchanged=30)


def test_a_column_that_is_missing_blanks_nothing(workstudio: WorkStudio, sync: Sync) -> None:
    workstudio.load("circuits")
    sync()
    before = list(Circuit.objects.order_by("pk").values())
    dropped = ["REGION", "SS_TITLE", "VEGJOB_LENGTH", "VEGJOB_FORESTER", "WSREQ_STATUS", "SS_TAKENBY"]
    workstudio.sim("headings", {"drop": [*dropped, "WSREQ_TAKENBY"]})
    assert sync().counts == Counts(unchanged=6)
    workstudio.hold({"SS_JOBGUID": before[0]["job_guid"], "VEGJOB_GF": "Somebody"})
    assert sync().counts == Counts(updated=1, unchanged=5)
    after = Circuit.objects.get(pk=before[0]["id"])
    assert after.api_data == before[0]["api_data"] | {"VEGJOB_GF": "Somebody"}
    assert (after.title, after.region_id) == (before[0]["title"], before[0]["region_id"])


def test_a_reply_without_the_key_s_column_fails_at_once(workstudio: WorkStudio, sync: Sync) -> None:
    workstudio.seed(10)
    workstudio.sim("headings", {"drop": ["SS_JOBGUID", "WSREQ_JOBGUID"]})
    run = sync()
    assert (run.sync_status, run.error_code) == (SyncStatus.FAILED, "protocol")
    assert "SS_JOBGUID" in run.error_message
    assert run.issues.count() == 0


def test_the_sample_arrives_whole(workstudio: WorkStudio, sync: Sync) -> None:
    workstudio.load("circuits")
    run = sync()
    assert (run.sync_status, run.counts) == (SyncStatus.COMPLETED, Counts(created=6))
    parent, split = Circuit.objects.filter(work_order="2026-4107").order_by("extension")
    assert split.parent_circuit == parent
    assert Circuit.objects.get(work_order="2024-HRB-WESTSIDE").region is not None
    unicode_circuit = Circuit.objects.get(work_order="2025-2750")
    assert unicode_circuit.title == "PEÑA BLANCA – ŁÓDŹ “NORTH” 69/12 KV 07-03 LINE"
    assert unicode_circuit.comments.startswith("Gate code at station 40 — call first.\r\nOwner")


def test_encodings_survive_the_whole_way(workstudio: WorkStudio, sync: Sync) -> None:
    body = (
        '{"DataSet": {"Heading": ["SS_JOBGUID", "SS_TITLE", "SS_EDITDATE"], "Data": ['
        '["a", "Peña – “x”", "\\/Date(2026-01-01T00:00:00.5Z)\\/"],'
        '["b", "half \\ud83d pair", ""], ["c", "NUL \\u0000", ""], ["d", "\\ud83d\\ude00", null]]}}'
    )
    workstudio.answer(body)
    run = sync()
    assert run.counts == Counts(created=2, failed=2)
    assert set(run.issues.values_list("source_id", "error_code")) == {
        ("b", "bad_character"),
        ("c", "bad_character"),
    }
    assert dict(Circuit.objects.values_list("job_guid", "title")) == {"a": "Peña – “x”", "d": "😀"}
