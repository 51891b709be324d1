"""What the simulated server can be told to do."""

import pytest

from circuits.workstudio.sandbox.columns import CIRCUIT_COLUMNS
from tests.circuits.workstudio.sandbox.conftest import STATUSES, Row, WorkStudio, fixture


class TestControls:
    """What tests do to the data."""

    def test_touch_edits_exactly_so_many_circuits(self, seeded: WorkStudio) -> None:
        before = {row["SS_JOBGUID"]: row for status in STATUSES for row in seeded.rows(status)}
        touched = seeded.sim("touch", {"count": 7})
        after = {row["SS_JOBGUID"]: row for status in STATUSES for row in seeded.rows(status)}
        changed = {guid for guid in before if before[guid] != after[guid]}
        assert touched == {"touched": 7, "job_guids": touched["job_guids"]}
        assert changed == set(touched["job_guids"])
        for guid in changed:
            assert after[guid]["WSREQ_VERSION"] == before[guid]["WSREQ_VERSION"] + 1
            assert after[guid]["VEGJOB_PRCENT"] != before[guid]["VEGJOB_PRCENT"]
            assert after[guid]["SS_EDITDATE"] > (before[guid]["SS_EDITDATE"] or "")

    def test_touch_by_percent_of_a_status(self, seeded: WorkStudio) -> None:
        touched = seeded.sim("touch", {"percent": 10, "status": "QC"})
        assert touched["touched"] == 4
        newest = [row["SS_JOBGUID"] for row in seeded.rows("QC")[:4]]
        assert newest == touched["job_guids"][::-1]
        assert seeded.sim("touch", {"count": 10_000, "status": "QC"})["touched"] == 36

    @pytest.mark.parametrize(
        "body",
        [
            {},
            {"count": 1, "percent": 1},
            {"count": -1},
            {"percent": 0},
            {"percent": "5"},
            {"count": 1, "status": "X"},
        ],
    )
    def test_wrong_touch_is_refused(self, seeded: WorkStudio, body: Row) -> None:
        assert seeded.refused("touch", body)

    def test_move_takes_a_circuit_to_another_status(self, seeded: WorkStudio) -> None:
        guid = seeded.rows("ACTIV")[10]["SS_JOBGUID"]
        assert seeded.sim("move", {"job_guid": guid.lower(), "status": "QC"})["from"] == "ACTIV"
        assert seeded.rows("QC")[0]["SS_JOBGUID"] == guid
        assert guid not in {row["SS_JOBGUID"] for row in seeded.rows("ACTIV")}
        assert "There is no circuit" in seeded.refused("move", {"job_guid": "{0}", "status": "QC"})
        assert "Unknown status 'REWORK'" in seeded.refused("move", {"job_guid": guid, "status": "REWORK"})

    def test_circuits_are_inserted_and_changed(self, seeded: WorkStudio) -> None:
        old = seeded.rows("QC")[0]
        rows = [
            {"ss_jobguid": old["SS_JOBGUID"], "SS_WO": "2020-1"},
            {"SS_JOBGUID": "guid-1", "SS_TITLE": "NEW LINE"},
        ]
        assert seeded.sim("circuits", rows) == {"created": 1, "updated": 1}
        [changed] = [row for row in seeded.rows("QC") if row["SS_JOBGUID"] == old["SS_JOBGUID"]]
        assert changed == {**old, "SS_WO": "2020-1", "WSREQ_WO": "2020-1"}
        new = seeded.rows("ACTIV")[0]
        assert (new["SS_JOBGUID"], new["WSREQ_JOBGUID"], new["SS_TITLE"], new["SS_EXT"]) == (
            "guid-1",
            "guid-1",
            "NEW LINE",
            "@",
        )
        assert "Unknown heading 'SS_TITEL'" in seeded.refused("circuits", {"SS_TITEL": "x"})
        assert "needs an SS_JOBGUID" in seeded.refused("circuits", {"SS_TITLE": "x"})
        assert "must be an object" in seeded.refused("circuits", [1])

    def test_hostile_circuits_can_be_mended(self, seeded: WorkStudio) -> None:
        [broken] = [row for row in seeded.rows("REWRK") if isinstance(row["SS_TITLE"], dict)]
        [short] = [row for row in seeded.rows("ACTIV") if len(row) < 48]
        seeded.sim(
            "circuits",
            [{"SS_JOBGUID": broken["SS_JOBGUID"], "SS_TITLE": "MENDED"}, {"SS_JOBGUID": short["SS_JOBGUID"]}],
        )
        assert seeded.sim("state", method="GET")["hostile"]["by_kind"] == {
            "long_work_order": 1,
            "missing_job_guid": 1,
            "nul_in_title": 1,
        }

    def test_headings_dropped_mixed_and_in_lower_case(self, seeded: WorkStudio) -> None:
        usual = {row["SS_JOBGUID"]: row for row in seeded.rows("REWRK")}
        seeded.sim("headings", {"drop": ["WSREQ_STATUS", "region"], "reorder": True, "case": "lower"})
        table = seeded.table("REWRK")
        names = [name.lower() for name in CIRCUIT_COLUMNS if name not in ("WSREQ_STATUS", "REGION")]
        assert table["Heading"] != names
        assert sorted(table["Heading"]) == sorted(names)
        for row in seeded.rows("REWRK"):
            assert row == {
                name.lower(): value for name, value in usual[row["ss_jobguid"]].items() if name.lower() in row
            }
        seeded.sim("headings", {})
        assert seeded.table("REWRK")["Heading"] == list(CIRCUIT_COLUMNS)
        assert {len(row) for row in seeded.table("ACTIV")["Data"]} == {45, 48}

    @pytest.mark.parametrize(
        "body", [{"drop": ["X"]}, {"drop": "REGION"}, {"case": "camel"}, {"reorder": 1}, {"x": 1}]
    )
    def test_wrong_headings_are_refused(self, empty: WorkStudio, body: Row) -> None:
        assert empty.refused("headings", body)

    def test_load_takes_some_columns_in_any_order(self, empty: WorkStudio) -> None:
        table = {
            "heading": ["SS_TITLE", "ss_jobguid", "WSREQ_STATUS", "SS_JOBTYPE"],
            "data": [["A", "g", "QC", "Assessment"]],
        }
        assert empty.sim("load", {"dataset": table}) == {"circuits": 1}
        [row] = empty.rows("QC")
        assert (row["SS_TITLE"], row["SS_JOBGUID"], row["SS_WO"]) == ("A", "g", None)
        assert "DataSet.Heading" in empty.refused("load", {"DataSet": []})
        assert "as long as" in empty.refused("load", {"DataSet": {"Heading": ["SS_WO"], "Data": [[1, 2]]}})

    def test_load_rejects_nothing_of_the_views_own_heading(self, empty: WorkStudio) -> None:
        document = fixture("workstudio_circuits.json")
        del document["DataSet"]["Data"][0][40:]
        empty.sim("load", document)
        assert sorted(len(row) for row in empty.table("ACTIV")["Data"]) == [40, 48, 48, 48, 48, 48]
        assert empty.sim("state", method="GET")["hostile"]["by_kind"] == {"short_row": 1}
