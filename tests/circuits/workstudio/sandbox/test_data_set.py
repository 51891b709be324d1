"""The circuits and planned units that the simulated server holds."""

import json
from collections import Counter

import pytest

from circuits.workstudio.sandbox import (
    KNOWN_PLANNERS,
    PLANNERS,
    REGIONS,
    UNKNOWN_PLANNERS,
)
from tests.circuits.workstudio.sandbox.conftest import ASSESSMENTS, GUID, STATUSES, Row, WorkStudio, fixture


class TestDataSet:
    """Generated data, counted and odd."""

    def test_summary_is_what_the_server_answers(self, empty: WorkStudio) -> None:
        summary = empty.sim("seed", {"circuits": 2400, "polygon_points": 4})
        assert summary == {
            key: value for key, value in empty.sim("state", method="GET").items() if key != "traffic"
        }
        assert summary["circuits"] == 2400
        assert summary["by_status"] == {
            "ACTIV": 1080,
            "CLOSE": 840,
            "DEF": 48,
            "QC": 288,
            "REWRK": 192,
            "SA": 48,
        }
        assert summary["hostile"] == {
            "total": 5,
            "by_kind": dict.fromkeys(
                ("long_work_order", "missing_job_guid", "nul_in_title", "short_row", "title_not_text"), 1
            ),
            "by_status": {"ACTIV": 2, "CLOSE": 1, "QC": 1, "REWRK": 1},
        }
        rows = [row for status in STATUSES for row in empty.rows(status)]
        sound = [row for row in rows if not is_hostile(row)]
        assert (len(rows), len(sound)) == (2405, 2400)
        assert summary["rows"] == 2405 + 96
        assert len({row["SS_JOBGUID"] for row in sound}) == 2400
        assert all(GUID.match(row["SS_JOBGUID"]) for row in sound)
        splits = [row for row in sound if row["SS_EXT"].startswith("C_")]
        parents = {row["SS_WO"] for row in sound if row["SS_EXT"] in ("@", "")}
        assert len(splits) == summary["splits"] > 100
        assert sum(row["SS_WO"] not in parents for row in splits) == summary["splits_without_parent"] > 5
        takers = Counter(row["SS_TAKENBY"].casefold() for row in sound if "\\" in (row["SS_TAKENBY"] or ""))
        assert takers == {name.casefold(): count for name, count in summary["planners"].items()}
        assert set(summary["planners"]) == {planner.username for planner in PLANNERS}
        assert sum(1 for row in sound if row["REGION"] is None) == summary["no_region"] > 0

    def test_oddities_of_the_real_server_are_there(self, empty: WorkStudio) -> None:
        empty.sim("seed", {"circuits": 900, "polygon_points": 6})
        rows = [row for status in STATUSES for row in empty.rows(status) if not is_hostile(row)]
        lengths = {type(row["VEGJOB_LENGTH"]) for row in rows}
        assert {int, float} <= lengths
        assert any(len(str(row["UNITCOUNTS_LENGTHWRK"]).replace(".", "").strip("0")) >= 14 for row in rows)
        starts = {row["WPStartDate_Assessment_Xrefs_WP_STARTDATE"] for row in rows}
        assert {"/Date(1899-12-30)/", None, "/Date(2026-01-01)/"} <= starts
        assert any(row["VEGJOB_FORESTER"] and row["VEGJOB_FORESTER"].endswith(" ") for row in rows)
        assert any("\r\n" in row["VEGJOB_CIRCCOMNTS"] for row in rows)
        assert any(not row["SS_TITLE"].isascii() for row in rows)
        assert any(row["SS_TAKENBY"] and "\\" not in row["SS_TAKENBY"] for row in rows)
        assert {"", None} < {row["SS_TAKENBY"] for row in rows}
        assert {row["REGION"] for row in rows} - {None} >= set(REGIONS)
        assert {(row["WSREQ_BOUNDSGEOM"] or {}).get("type") for row in rows} == {
            "Polygon",
            "LineString",
            "MultiSurface",
            None,
        }

    def test_outlines_fit_their_boxes_and_weigh_as_on_the_real_server(self, empty: WorkStudio) -> None:
        empty.sim("seed", {"circuits": 150})
        rows = [
            row for row in empty.rows("ACTIV") if (row["WSREQ_BOUNDSGEOM"] or {}).get("type") == "Polygon"
        ]
        for row in rows:
            [ring] = row["WSREQ_BOUNDSGEOM"]["coordinates"]
            assert ring[0] == ring[-1]
            assert (
                row["WSREQ_SKETCHLEFT"]
                <= min(x for x, _ in ring)
                <= max(x for x, _ in ring)
                <= row["WSREQ_SKETCHRITE"]
            )
            assert (
                row["WSREQ_SKETCHTOP"]
                <= min(y for _, y in ring)
                <= max(y for _, y in ring)
                <= row["WSREQ_SKETCHBOTM"]
            )
        sizes = [len(json.dumps(row["WSREQ_BOUNDSGEOM"], separators=(",", ":"))) for row in rows]
        assert 4500 < sum(sizes) / len(sizes) < 6800
        assert max(sizes) < 14_000

    def test_same_seed_same_bytes(self, empty: WorkStudio) -> None:
        bodies = []
        for seed in (7, 7, 8):
            empty.sim("seed", {"circuits": 100, "seed": seed})
            bodies.append(empty.view(ASSESSMENTS, "By Job Status", "ACTIV").content)
        assert bodies[0] == bodies[1] != bodies[2]

    def test_options_set_counts_and_regions(self, empty: WorkStudio) -> None:
        options = {"circuits": 0, "circuits_per_status": {"CLOSE": 12, "SA": 3}, "regions": ["One", "Two"]}
        summary = empty.sim("seed", {**options, "hostile": False, "units": False})
        assert (summary["rows"], summary["by_status"], summary["hostile"]["total"]) == (
            15,
            {"CLOSE": 12, "SA": 3},
            0,
        )
        assert set(summary["by_region"]) <= {"One", "Two", ""}
        assert len(empty.rows("SA")) == 3
        assert empty.units(empty.rows("CLOSE")[0]["SS_WO"]) == []

    @pytest.mark.parametrize(
        "options",
        [
            {"circuits": -1},
            {"circuits": True},
            {"hostile": 1},
            {"circuits_per_status": {"X": 1}},
            {"regions": [""]},
            {"a": 1},
        ],
    )
    def test_wrong_seed_options_are_refused(self, empty: WorkStudio, options: Row) -> None:
        assert empty.refused("seed", options)

    def test_hostile_rows_by_kind(self, seeded: WorkStudio) -> None:
        active = seeded.table("ACTIV")["Data"]
        assert [len(row) for row in active if len(row) != 48] == [45]
        assert [row[30] for row in active if not row[26]] == [""]
        assert [len(row["SS_WO"]) for row in seeded.rows("QC") if len(row["SS_WO"]) > 40] == [52]
        assert [
            type(row["SS_TITLE"]) for row in seeded.rows("REWRK") if not isinstance(row["SS_TITLE"], str)
        ] == [dict]
        assert sum("\x00" in row["SS_TITLE"] for row in seeded.rows("CLOSE")) == 1

    def test_units_of_a_work_order(self, seeded: WorkStudio) -> None:
        rows = [row for row in seeded.rows("ACTIV") if not is_hostile(row)]
        work_orders = {row["SS_WO"] for row in rows if row["SS_EXT"] in ("@", "")}
        units = {work_order: seeded.units(work_order) for work_order in sorted(work_orders)[:60]}
        assert all(5 <= len(found) <= 40 for found in units.values())
        assert len({len(found) for found in units.values()}) > 10
        for work_order, found in units.items():
            assert {(unit["SS_WO"], unit["SS_EXT"]) for unit in found} == {(work_order, "@")}
            assert found == seeded.units(work_order)
            dates = [unit["VEGUNIT_ASSDDATE"] or "" for unit in found]
            assert dates == sorted(dates)
        every = [unit for found in units.values() for unit in found]
        assert len({unit["SSUNITS_OBJECTID"] for unit in every}) == len(every)
        assert {"Approved", "Refused", "No Contact", "", None, "pending"} <= {
            unit["VEGUNIT_PERMSTAT"] for unit in every
        }
        assert {"REM>30", "T&M", "Herb-Sub", "XNEW9"} <= {unit["VEGUNIT_UNIT"] for unit in every}

    def test_splits_and_unknown_work_orders_have_no_units(self, seeded: WorkStudio) -> None:
        rows = [
            row for status in (*STATUSES, "SA", "DEF") for row in seeded.rows(status) if not is_hostile(row)
        ]
        mains = {row["SS_WO"] for row in rows if row["SS_EXT"] in ("@", "")}
        orphans = {row["SS_WO"] for row in rows} - mains
        assert orphans
        assert [seeded.units(work_order) for work_order in (*orphans, "2026-0000")] == [[]] * (
            len(orphans) + 1
        )

    def test_no_work_units_are_not_shown(self, loaded: WorkStudio) -> None:
        document = fixture("workstudio_planned_units.json")
        document["DataSet"]["Data"][0][19] = "NW"
        document["DataSet"]["Data"][1][4] = "C_a"
        assert loaded.sim("load", document) == {"units": 6, "work_orders": 1}
        assert len(loaded.units("2026-4107")) == 4

    def test_planners_of_the_demo(self) -> None:
        assert (len(KNOWN_PLANNERS), len(UNKNOWN_PLANNERS)) == (6, 8)
        assert {planner.username for planner in PLANNERS} >= {"TREECO\\mvance", "TREECO\\north crew 12"}


def is_hostile(row: Row) -> bool:
    """Whether no client can take the row."""
    title = row["SS_TITLE"]
    sound = len(row) == 48 and row["SS_JOBGUID"] and len(row["SS_WO"]) <= 40
    return not (sound and isinstance(title, str) and "\x00" not in title)
