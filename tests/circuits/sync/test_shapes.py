"""Regions, splits, headings and encodings: what replies look like, and what becomes of it."""

from __future__ import annotations

from typing import Any

from circuits.models import Circuit, Region
from synclogs.counts import Counts
from synclogs.models import SyncStatus
from tests.circuits.conftest import Sync, WorkStudio, circuit_row

ALL = ("ACTIV", "QC", "REWRK", "CLOSE")


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
