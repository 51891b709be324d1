"""From a row to the columns of a circuit."""

from __future__ import annotations

import json
import random
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from circuits.statuses import ApiStatus
from circuits.workstudio.errors import WorkStudioProtocolError
from circuits.workstudio.sandbox.columns import CIRCUIT_COLUMNS
from circuits.workstudio.table import read_table
from circuits.workstudio.transform import CircuitTransformer, planner_username
from integrations.http.errors import RecordError
from integrations.sync.records import Record
from integrations.sync.value_intake import content_hash
from tests.circuits.conftest import circuit_row, sample
from tests.integrations.sync.conftest import Titles


def transform(row: dict[str, Any], requested: ApiStatus = ApiStatus.ACTIV) -> Record:
    row = {name.upper(): value for name, value in row.items()}
    return CircuitTransformer(row, requested).record(row, 0)


def sample_records() -> list[Record]:
    table = read_table(json.dumps(sample("circuits")).encode())
    transformer = CircuitTransformer(table.heading, ApiStatus.ACTIV)
    return [transformer.record(table.row(raw), index) for index, raw in enumerate(table.drain())]


def test_the_sample_gives_six_circuits_and_three_planners() -> None:
    records = sample_records()
    assert len(records) == 6
    assert [record.extra["planner_username"] for record in records] == [
        "TREECO\\mvance",
        "UTILNET\\s.okafor@utility.example",
        "",
        "TREECO\\north crew 12",
        "",
        "",
    ]


def test_the_sample_s_first_row_column_by_column() -> None:
    record = sample_records()[0]
    kept = record.values.pop("api_data")
    assert record.key == "{5D0B7C7E-3A51-4E0B-9C1D-6A4F0C2B9E11}"
    assert record.extra["region"] == "North Fork"
    assert record.values == {
        "work_order": "2026-4107",
        "extension": "@",
        "title": "ALDER GROVE 69/12 KV 14-02 LINE",
        "line_name": "ALDER GROVE 69/12 KV 14-02 LINE",
        "job_type": "Assessment Dx",
        "contractor": "TREECO",
        "taken_by": "TREECO\\mvance",
        "cycle_type": "Cycle Maintenance - Trim",
        "total_miles": Decimal("22.41"),
        "miles_planned": Decimal("9.80"),
        "total_acres": Decimal("2.37"),
        "percent_complete": Decimal("44.00"),
        "start_date": date(2026, 1, 1),
        "comments": "",
        "api_modified_at": datetime(2026, 2, 11, 19, 42, 7, 318000, UTC),
        "ws_version": 31,
        "ws_sync_version": 29,
        "api_status": "ACTIV",
    }
    assert kept["VEGJOB_FORESTER"] == "Robin Example "
    assert kept["UNITCOUNTS_NUMTREES"] == 37


def test_the_sample_s_awkward_rows() -> None:
    records = sample_records()
    split, empty, unicode_row, no_domain, nulls = records[1:]
    assert (split.values["extension"], split.values["total_miles"]) == ("C_a", Decimal("7.00"))
    assert split.values["api_modified_at"] == datetime(2026, 2, 11, 3, 5, 0, 40000, UTC)
    assert (empty.values["start_date"], empty.values["contractor"]) == (None, "")
    assert unicode_row.values["title"] == "PEÑA BLANCA – ŁÓDŹ “NORTH” 69/12 KV 07-03 LINE"
    assert unicode_row.values["start_date"] == date(2025, 9, 30)
    assert "\r\n" in unicode_row.values["comments"]
    assert (no_domain.values["taken_by"], no_domain.values["start_date"]) == ("Dana Placeholder", None)
    assert (nulls.values["extension"], nulls.extra["region"]) == ("@", "")
    assert nulls.values["api_modified_at"] is None
    assert nulls.values["miles_planned"] == 0


def test_neither_geometry_nor_sql_is_kept() -> None:
    for record in sample_records():
        kept = json.dumps(record.values["api_data"])
        assert "coordinates" not in kept
        assert "select" not in kept.lower()
        assert "WSREQ_BOUNDSGEOM" not in kept


def test_numbers_as_text_and_text_that_is_no_number() -> None:
    record = transform(
        circuit_row(VEGJOB_LENGTH="22.415", VEGJOB_PRCENT="n/a", WSREQ_VERSION="31", VEGJOB_LENGTHCOMP=None)
    )
    assert record.values["total_miles"] == Decimal("22.42")
    assert record.values["percent_complete"] == 0
    assert record.values["miles_planned"] == 0
    assert record.values["ws_version"] == 31


def test_the_second_of_two_twin_columns_stands_in_for_an_empty_first() -> None:
    record = transform(
        {"SS_JOBGUID": None, "WSREQ_JOBGUID": "guid-9", "SS_WO": "", "WSREQ_WO": "2026-1", "SS_EXT": None}
    )
    assert (record.key, record.values["work_order"], record.values["extension"]) == ("guid-9", "2026-1", "@")


def test_without_a_status_column_the_requested_status_stands_in() -> None:
    row = circuit_row()
    del row["WSREQ_STATUS"]
    assert transform(row, ApiStatus.QC).values["api_status"] == "QC"
    assert transform(circuit_row(WSREQ_STATUS="SA"), ApiStatus.QC).values["api_status"] == "SA"


def test_only_columns_of_the_reply_are_set() -> None:
    assert set(transform({"SS_JOBGUID": "guid-1", "SS_TITLE": "X"}).values) == {"title", "api_status"}


def test_a_reply_without_the_key_s_column_is_an_error_of_its_own() -> None:
    with pytest.raises(WorkStudioProtocolError, match="SS_JOBGUID"):
        CircuitTransformer({"SS_WO": 1}, ApiStatus.ACTIV).require_key()


@pytest.mark.parametrize(
    ("cells", "code", "field"),
    [
        ({"SS_JOBGUID": " "}, "missing_key", "SS_JOBGUID"),
        ({"SS_JOBGUID": "x" * 65}, "too_long", "SS_JOBGUID"),
        ({"SS_WO": "1" * 41}, "too_long", "SS_WO"),
        ({"SS_TITLE": {"text": "x"}}, "wrong_type", "SS_TITLE"),
        ({"SS_TITLE": "a\x00b"}, "bad_character", "SS_TITLE"),
        ({"VEGJOB_FORESTER": "\ud800"}, "bad_character", "VEGJOB_FORESTER"),
        ({"UNITCOUNTS_NUMTREES": 10**30}, "out_of_range", "UNITCOUNTS_NUMTREES"),
        ({"VEGJOB_GF": ["x"]}, "wrong_type", "VEGJOB_GF"),
        ({"VEGJOB_LENGTH": 1e9}, "out_of_range", "VEGJOB_LENGTH"),
        ({"VEGJOB_LENGTH": {"a": 1}}, "wrong_type", "VEGJOB_LENGTH"),
        ({"SS_EDITDATE": 12.5}, "wrong_type", "SS_EDITDATE"),
        ({"SS_EDITDATE": "/Date(soon)/"}, "bad_date", "SS_EDITDATE"),
        ({"WSREQ_VERSION": 2**40}, "out_of_range", "WSREQ_VERSION"),
        ({"REGION": "R" * 51}, "too_long", "REGION"),
    ],
)
def test_a_row_that_cannot_be_taken_names_the_column(cells: dict[str, Any], code: str, field: str) -> None:
    with pytest.raises(RecordError) as error:
        transform(circuit_row(**cells))
    assert (error.value.code, error.value.field) == (code, field)


@pytest.mark.parametrize(
    ("taken_by", "expected"),
    [
        ("TREECO\\mvance", "TREECO\\mvance"),
        (" TREECO\\two words ", "TREECO\\two words"),
        ("A\\b\\c", "A\\b\\c"),
        ("Dana Placeholder", ""),
        ("\\user", ""),
        ("DOMAIN\\ ", ""),
        ("", ""),
        ("treeco\\SVC.sync", ""),
        ("D\\" + "ß" * 90, "D\\" + "ß" * 90),
    ],
)
def test_a_planner_is_who_has_it_checked_out_with_domain_and_user(taken_by: str, expected: str) -> None:
    assert planner_username(taken_by, frozenset({"treeco\\svc.sync"})) == expected


ODDITIES: tuple[Any, ...] = (
    None, "", " ", 0, 1, -1, 1.5, 1e300, 10**30, True, False, [], {}, [1], {"a": 1}, "x" * 3000, "\x00",
    "\ud800",
    "/Date(1899-12-30)/", "/Date(99999)/", "NaN", float("inf"), float("nan"), "樹", "TREECO\\x",
)  # fmt: skip


@pytest.mark.parametrize("seed", range(5))
def test_whatever_comes_a_row_is_taken_or_refused_but_never_breaks_the_run(seed: int) -> None:
    rng = random.Random(seed)
    heading = [name.upper() for name in CIRCUIT_COLUMNS]
    transformer = CircuitTransformer(heading, ApiStatus.ACTIV)
    taken = 0
    for number in range(300):
        row = dict.fromkeys(heading, "") | {"SS_JOBGUID": f"guid-{number}"}
        row |= {name: rng.choice(ODDITIES) for name in rng.sample(heading, rng.choice((1, 2, 20)))}
        try:
            record = transformer.record(row, number)
        except RecordError:
            continue
        taken += 1
        assert content_hash(Titles(), transformer.columns, record.values | {"region_id": 1})
    assert taken > 30
