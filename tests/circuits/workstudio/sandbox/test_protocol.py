"""What the simulated server answers, to whom, and in which form."""

import base64
import json

import pytest
import requests

from circuits.workstudio.sandbox import (
    PASSWORD,
    REGIONAL_USERNAME,
    SERVICE_USERNAME,
)
from circuits.workstudio.sandbox.columns import CIRCUIT_COLUMNS, UNIT_COLUMNS
from tests.circuits.workstudio.sandbox.conftest import (
    ASSESSMENTS,
    PLANNED_UNITS,
    REGIONAL,
    SERVICE,
    WorkStudio,
    fixture,
)


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
