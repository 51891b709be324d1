"""The simulated WorkStudio server, over real HTTP: wire format, rights, data set, control calls."""

import base64
import json
import re
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import requests

from circuits.workstudio.sandbox import (
    KNOWN_PLANNERS,
    PASSWORD,
    PLANNERS,
    REGIONAL_USERNAME,
    REGIONS,
    SERVICE_USERNAME,
    UNKNOWN_PLANNERS,
    WorkStudioSandbox,
)
from circuits.workstudio.sandbox.columns import CIRCUIT_COLUMNS, UNIT_COLUMNS
from integrations.sandbox import SandboxServer

FIXTURES = Path(__file__).parents[2] / "fixtures"
ASSESSMENTS = "{A856F956-88DF-4807-90E2-7E12C25B5B32}"
PLANNED_UNITS = "{985AECEF-D75B-40F3-9F9B-37F21C63FF4A}"
STATUSES = ("ACTIV", "QC", "REWRK", "CLOSE")
SERVICE = (SERVICE_USERNAME, PASSWORD)
REGIONAL = (REGIONAL_USERNAME, PASSWORD)
GUID = re.compile(r"^\{[0-9A-F]{8}(-[0-9A-F]{4}){3}-[0-9A-F]{12}\}$")

Row = dict[str, Any]


def fixture(name: str) -> dict[str, Any]:
    """Return a captured reply."""
    document: dict[str, Any] = json.loads((FIXTURES / name).read_text())
    return document


class WorkStudio:
    """A served sandbox and short ways to call it."""

    def __init__(self, url: str) -> None:
        self.url = url

    def post(self, path: str = "DDOProtocol/GETVIEWDATA", **kwargs: Any) -> requests.Response:
        return requests.post(f"{self.url}/{path}", timeout=10, **{"auth": SERVICE, **kwargs})

    def view(self, view: str, name: str, value: Any, **kwargs: Any) -> requests.Response:
        body = {
            "Protocol": "GETVIEWDATA",
            "ViewDefinitionGuid": view,
            "ViewFilter": {"FilterName": name, "FilterValue": value, "ClassName": "TViewFilter"},
            "ResultFormat": "DDOTable",
        }
        return self.post(json=body, **kwargs)

    def table(self, status: str, **kwargs: Any) -> dict[str, Any]:
        """Return heading and data of a status."""
        reply = self.view(ASSESSMENTS, "By Job Status", status, **kwargs)
        assert reply.status_code == 200, reply.text
        table: dict[str, Any] = json.loads(reply.content)["DataSet"]
        return table

    def rows(self, status: str, **kwargs: Any) -> list[Row]:
        """Return the rows of a status by heading; short ones lack their last columns."""
        table = self.table(status, **kwargs)
        return [dict(zip(table["Heading"], row, strict=False)) for row in table["Data"]]

    def units(self, work_order: str) -> list[Row]:
        """Return the planned units of a work order by heading."""
        table = self.view(PLANNED_UNITS, "WO#", work_order).json()["DataSet"]
        return [dict(zip(table["Heading"], row, strict=True)) for row in table["Data"]]

    def sim(self, path: str, body: Any = None, *, method: str = "POST") -> Any:
        """Call the control API, which must accept the call."""
        reply = requests.request(method, f"{self.url}/_sim/{path}", json=body, timeout=10)
        assert reply.status_code < 300, reply.text
        return reply.json()

    def refused(self, path: str, body: Any) -> str:
        """Call the control API, which must refuse the call; return why."""
        reply = requests.post(f"{self.url}/_sim/{path}", json=body, timeout=10)
        assert reply.status_code in (400, 404), reply.text
        return str(reply.json()["error"])


@pytest.fixture(scope="module")
def server() -> Iterator[SandboxServer]:
    with SandboxServer([WorkStudioSandbox()]) as running:
        yield running


@pytest.fixture
def empty(server: SandboxServer) -> WorkStudio:
    """A server without data."""
    workstudio = WorkStudio(server.url_for("workstudio"))
    workstudio.sim("reset")
    return workstudio


@pytest.fixture
def seeded(empty: WorkStudio) -> WorkStudio:
    """A server with 300 sound circuits whose polygons are small."""
    empty.sim("seed", {"circuits": 300, "polygon_points": 6})
    return empty


@pytest.fixture
def loaded(empty: WorkStudio) -> WorkStudio:
    """A server that holds the captured replies."""
    empty.sim("load", fixture("workstudio_circuits.json"))
    empty.sim("load", fixture("workstudio_planned_units.json"))
    return empty


class TestProtocol:
    """Paths, protocols and errors."""

    def test_base_path_is_healthy_without_a_login(self, empty: WorkStudio) -> None:
        assert requests.get(empty.url, timeout=5).status_code == 200
        assert requests.get(f"{empty.url}/", timeout=5).status_code == 200

    def test_other_paths_are_a_404_page(self, empty: WorkStudio) -> None:
        for path in ("DDOProtocol", "DDOProtocol/", "Other/GETVIEWDATA", "GETVIEWDATA"):
            reply = empty.post(path)
            assert (reply.status_code, reply.text[:6]) == (404, "<html>")

    @pytest.mark.parametrize(
        "path", ["DDOProtocol/HEARTBEAT", "ddoprotocol/heartbeat", "DDOPROTOCOL/HeartBeat/"]
    )
    def test_heartbeat_whatever_the_case(self, empty: WorkStudio, path: str) -> None:
        reply = empty.post(path)
        assert (reply.status_code, reply.json()) == (200, {"protocol": "OK"})

    def test_unknown_protocol_is_an_error_in_a_200(self, empty: WorkStudio) -> None:
        reply = empty.post("DDOProtocol/GETEVERYTHING")
        message = "Invalid protocol: GETEVERYTHING"
        assert (reply.status_code, reply.json()) == (200, {"protocol": "ERROR", "errorMessage": message})

    @pytest.mark.parametrize("body", [b"", b"{", b"[]", b"\xff\xfe", b"[" * 50_000, b'{"ViewFilter": 5}'])
    def test_malformed_body_is_an_error_in_a_200(self, empty: WorkStudio, body: bytes) -> None:
        reply = empty.post(data=body)
        assert reply.status_code == 200
        assert reply.json()["errorMessage"]

    def test_unknown_view_filter_or_format_is_an_error_in_a_200(self, empty: WorkStudio) -> None:
        work_jobs = "{546D9963-9242-4945-8A74-15CA83CDA537}"
        assert "View definition" in empty.view(work_jobs, "By Job Status", "ACTIV").json()["errorMessage"]
        assert "Filter 'WO #'" in empty.view(PLANNED_UNITS, "WO #", "1").json()["errorMessage"]
        assert (
            "Filter 'by job status'" in empty.view(ASSESSMENTS, "by job status", "QC").json()["errorMessage"]
        )
        body = {"ViewDefinitionGuid": ASSESSMENTS, "ResultFormat": "XML", "ViewFilter": {}}
        assert "result format" in empty.post(json=body).json()["errorMessage"]

    def test_property_names_in_any_case(self, loaded: WorkStudio) -> None:
        view_filter = {"FILTERNAME": "By Job Status", "filtervalue": "ACTIV"}
        body = {
            "viewdefinitionguid": ASSESSMENTS.lower(),
            "VIEWFILTER": view_filter,
            "resultformat": "ddotable",
        }
        assert len(loaded.post(json=body).json()["DataSet"]["Data"]) == 6


class TestAuthentication:
    """Basic authentication never fails with anything but a 401."""

    @pytest.mark.parametrize(
        "header",
        [
            None,
            "",
            "Basic",
            "Basic !!!!",
            "Basic dXNlcg==",
            "Bearer abc",
            "Basic \xe9\xe9",
            "Basic " + base64.b64encode(b"\xff\xfe:\xfd").decode(),
            "Basic " + base64.b64encode("TREECO\\jörg:sandbox-password".encode()).decode(),
            "Basic " + base64.b64encode(b"svc.sync:sandbox-password").decode(),
            "Basic " + base64.b64encode(b"TREECO\\svc.sync:wrong").decode(),
            "Basic " + base64.b64encode(b"TREECO\\svc.sync:Sandbox-Password").decode(),
            "Basic " + base64.b64encode(b":").decode(),
        ],
    )
    def test_bad_login_is_a_401_page_with_a_challenge(self, empty: WorkStudio, header: str | None) -> None:
        headers = {} if header is None else {"Authorization": header.encode("latin-1")}
        reply = requests.post(f"{empty.url}/DDOProtocol/HEARTBEAT", headers=headers, timeout=5)
        assert (reply.status_code, reply.headers["WWW-Authenticate"][:5]) == (401, "Basic")
        assert "401 Unauthorized" in reply.text
        assert reply.text.startswith("<html>")

    def test_username_in_any_case(self, empty: WorkStudio) -> None:
        assert empty.post("DDOProtocol/HEARTBEAT", auth=("treeco\\SVC.Sync", PASSWORD)).status_code == 200

    def test_users_can_be_added_changed_and_removed(self, empty: WorkStudio) -> None:
        name = "OAKLINE\\two words@mail.example"
        changed = {
            name: {"password": "pä:ss"},
            SERVICE_USERNAME: {"password": "new"},
            REGIONAL_USERNAME: None,
        }
        assert empty.sim("users", changed) == {"users": {SERVICE_USERNAME: None, name: None}}
        token = base64.b64encode(f"{name}:pä:ss".encode()).decode()
        headers = {"Authorization": f"Basic {token}"}
        assert empty.post("DDOProtocol/HEARTBEAT", auth=None, headers=headers).status_code == 200
        for auth in (SERVICE, REGIONAL):
            assert empty.post("DDOProtocol/HEARTBEAT", auth=auth).status_code == 401
        assert "needs a password" in empty.refused("users", {"X\\y": {}})
        assert "list of names" in empty.refused("users", {"X\\y": {"password": "p", "regions": "North Fork"}})

    def test_journal_and_state_hold_no_password(self, seeded: WorkStudio) -> None:
        seeded.rows("QC")
        seeded.post("DDOProtocol/HEARTBEAT", auth=None)
        seeded.post("DDOProtocol/HEARTBEAT", auth=("A\\b", "wrong-password"))
        seeded.post(data="{")
        requests.get(seeded.url, timeout=5)
        journal = seeded.sim("journal", method="GET")
        assert [entry["auth"] for entry in journal["entries"]] == [
            "valid",
            "missing",
            "invalid",
            "valid",
            "none",
        ]
        assert [entry["summary"] for entry in journal["entries"]] == [
            {"protocol": "GETVIEWDATA", "view": "assessments", "filter": "By Job Status", "value": "QC"},
            {"protocol": "HEARTBEAT"},
            {"protocol": "HEARTBEAT"},
            {"protocol": "GETVIEWDATA", "problem": "not JSON"},
            {},
        ]
        text = json.dumps([journal, seeded.sim("state", method="GET")])
        assert "password" not in text
        assert base64.b64encode(f"{SERVICE_USERNAME}:{PASSWORD}".encode()).decode() not in text


class TestReplies:
    """The reply as captured from the real server."""

    def test_columns_are_those_of_the_captures(self) -> None:
        assert fixture("workstudio_circuits.json")["DataSet"]["Heading"] == list(CIRCUIT_COLUMNS)
        assert fixture("workstudio_planned_units.json")["DataSet"]["Heading"] == list(UNIT_COLUMNS)
        assert (len(CIRCUIT_COLUMNS), len(UNIT_COLUMNS)) == (48, 34)

    def test_envelope_with_sql_that_tells_on_the_caller(self, seeded: WorkStudio) -> None:
        for reply in (
            seeded.view(ASSESSMENTS, "By Job Status", "QC"),
            seeded.view(PLANNED_UNITS, "WO#", "x'y"),
        ):
            document = reply.json()
            assert list(document) == ["Protocol", "DataSet", "SQL", "ColumnGroup"]
            assert document["Protocol"] == "DATASET"
            assert SERVICE_USERNAME in document["SQL"]
            assert "[SS]" in document["SQL"]
            assert document["ColumnGroup"]["_ClassName"] == "TColumnGroup"
        assert "SS.WO = 'x''y'" in document["SQL"]

    def test_captured_reply_comes_back_value_by_value(self, loaded: WorkStudio) -> None:
        captured = fixture("workstudio_circuits.json")["DataSet"]
        order = [3, 0, 1, 4, 2, 5]
        assert loaded.table("ACTIV") == {**captured, "Data": [captured["Data"][index] for index in order]}
        units = fixture("workstudio_planned_units.json")["DataSet"]
        served = loaded.view(PLANNED_UNITS, "WO#", "2026-4107").json()["DataSet"]
        assert served == {**units, "Data": [units["Data"][index] for index in (4, 3, 0, 1, 2, 5)]}

    @pytest.mark.parametrize("status", ["REWORK", "activ", "CLOSED", "", "NONSENSE", "PERM"])
    def test_other_status_has_no_rows_but_is_no_error(self, seeded: WorkStudio, status: str) -> None:
        assert seeded.table(status) == {"Heading": list(CIRCUIT_COLUMNS), "Data": []}

    def test_assessments_are_ordered_by_edit_date_work_order_extension(self, seeded: WorkStudio) -> None:
        rows = [row for row in seeded.rows("CLOSE") if row["SS_EDITDATE"]]
        dates = [row["SS_EDITDATE"][6:-3] for row in rows]
        assert dates == sorted(dates, reverse=True)
        assert len(set(dates)) > 50

    def test_work_order_search_finds_the_whole_family(self, loaded: WorkStudio) -> None:
        reply = loaded.view(ASSESSMENTS, "Work Order Search", "2026-4107").json()
        assert [row[6] for row in reply["DataSet"]["Data"]] == ["@", "C_a"]
        assert loaded.view(ASSESSMENTS, "Work Order Search", "2026-9").json()["DataSet"]["Data"] == []

    def test_a_login_sees_assessments_of_its_regions_only(self, seeded: WorkStudio) -> None:
        everything, part = seeded.rows("ACTIV"), seeded.rows("ACTIV", auth=REGIONAL)
        seen = [row for row in everything if str(row["REGION"]).title() in ("North Fork", "River Bend")]
        assert [row["WSREQ_JOBGUID"] for row in part] == [row["WSREQ_JOBGUID"] for row in seen]
        assert 0 < len(part) < len(everything)

    def test_planned_units_are_the_same_for_every_login(self, seeded: WorkStudio) -> None:
        [work_order] = [row["SS_WO"] for row in seeded.rows("QC") if row["REGION"] == "High Plains"][:1]
        replies = [
            seeded.view(PLANNED_UNITS, "WO#", work_order, auth=auth).json() for auth in (SERVICE, REGIONAL)
        ]
        assert replies[0]["DataSet"] == replies[1]["DataSet"]


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


class TestFaults:
    """Faults that only this provider can make."""

    def test_wrong_types_in_values(self, seeded: WorkStudio) -> None:
        seeded.sim("faults", {"kind": "wrong_types", "rows": 3})
        rows = seeded.rows("QC")
        assert [type(row["SS_TITLE"]) for row in rows[:4]] == [dict, dict, dict, str]
        assert isinstance(rows[0]["VEGJOB_PRCENT"], list)
        assert rows[0]["WSREQ_VERSION"].endswith(" units")
        assert isinstance(rows[0]["SS_JOBGUID"], str)
        assert all(isinstance(row["SS_JOBGUID"], str) for row in seeded.rows("QC"))

    def test_wrong_types_in_the_envelope(self, seeded: WorkStudio) -> None:
        seeded.sim("faults", {"kind": "wrong_types", "envelope": True})
        table = seeded.table("QC")
        assert (type(table["Heading"]), type(table["Data"])) == (str, dict)
        seeded.sim("faults", {"kind": "wrong_types"})
        assert seeded.post("DDOProtocol/HEARTBEAT").json() == {"protocol": {"value": "OK"}}
        seeded.sim("faults", {"kind": "wrong_types"})
        assert seeded.post(auth=None).status_code == 401

    def test_error_in_a_200_for_one_status_only(self, seeded: WorkStudio) -> None:
        seeded.sim(
            "faults", {"kind": "error_200", "message": "View is locked", "match": {"contains": "REWRK"}}
        )
        assert len(seeded.rows("ACTIV")) == 137
        reply = seeded.view(ASSESSMENTS, "By Job Status", "REWRK")
        assert (reply.status_code, reply.json()["errorMessage"]) == (200, "View is locked")

    def test_many_readers_while_the_data_changes(self, seeded: WorkStudio) -> None:
        def read(number: int) -> int:
            if number % 5 == 0:
                seeded.sim("touch", {"count": 20})
            return len(seeded.rows(STATUSES[number % 4]))

        with ThreadPoolExecutor(8) as pool:
            counts = list(pool.map(read, range(40)))
        assert set(counts) == {137, 37, 25, 106}


def test_ten_thousand_circuits_are_quick() -> None:
    sandbox = WorkStudioSandbox()
    started = time.monotonic()
    summary = sandbox.seed(circuits=10_000)
    assert time.monotonic() - started < 6
    assert (summary["circuits"], summary["hostile"]["total"]) == (10_000, 5)
    with SandboxServer([sandbox]) as server:
        workstudio = WorkStudio(server.url_for("workstudio"))
        size = len(workstudio.view(ASSESSMENTS, "By Job Status", "ACTIV").content)
        assert 20_000_000 < size < 40_000_000
        started = time.monotonic()
        assert len(workstudio.view(ASSESSMENTS, "By Job Status", "ACTIV").content) == size
        assert time.monotonic() - started < 2
