"""Reading a reply's body: which one is a table, which one is worth another try, which one is an error."""

from __future__ import annotations

import json
from typing import Any

import pytest

from circuits.workstudio.errors import WorkStudioProtocolError
from circuits.workstudio.table import read_table
from integrations.http.errors import BadReply, RecordError


def rows(body: bytes | dict[str, Any]) -> list[dict[str, Any]]:
    table = read_table(body if isinstance(body, bytes) else json.dumps(body).encode())
    return [table.row(raw) for raw in table.drain()]


TABLE = {"Heading": ["SS_WO", "ss_title"], "Data": [["1", "a"], ["2", "b"]]}
READ = [{"SS_WO": "1", "SS_TITLE": "a"}, {"SS_WO": "2", "SS_TITLE": "b"}]


@pytest.mark.parametrize(
    "body",
    [
        {"Protocol": "DATASET", "DataSet": TABLE, "SQL": "select 1", "ColumnGroup": {}},
        {"DataSet": TABLE},
        {"protocol": "dataset", "dataset": {"heading": TABLE["Heading"], "DATA": TABLE["Data"]}},
        {"PROTOCOL": None, "DataSet": TABLE, "errorMessage": ""},
    ],
)
def test_names_are_found_in_any_case_and_the_protocol_may_be_missing(body: dict[str, Any]) -> None:
    assert rows(body) == READ


@pytest.mark.parametrize(
    "body",
    [
        {"Protocol": "DATASET", "DataSet": {"Heading": ["A"], "Data": []}},
        {"Protocol": "DATASET", "DataSet": {"Heading": ["A"], "Data": None}},
        {"Protocol": "DATASET", "DataSet": {"Heading": None, "Data": []}},
        {"Protocol": "DATASET", "DataSet": {"Heading": ["A"]}},
        {"Protocol": "dataset", "DataSet": None},
        {"Protocol": "DATASET"},
        {"DataSet": {"Heading": [], "Data": []}},
    ],
)
def test_every_form_of_zero_rows(body: dict[str, Any]) -> None:
    assert rows(body) == []


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"Protocol": "ERROR", "errorMessage": "View is locked"}, "View is locked"),
        ({"protocol": "error"}, "no message"),
        ({"errormessage": "Invalid filter", "DataSet": TABLE}, "Invalid filter"),
        ({"Protocol": "OK"}, "no table"),
        ({"Protocol": "QUERYRESULT", "DataSet": TABLE}, "QUERYRESULT"),
        ({"DataSet": {"Heading": ["A"]}}, "no table"),
        ({}, "no table"),
    ],
)
def test_what_workstudio_cannot_do_is_not_worth_another_try(body: dict[str, Any], message: str) -> None:
    with pytest.raises(WorkStudioProtocolError, match=message):
        rows(body)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html><body>maintenance</body></html>",
        b"[1]",
        b'"text"',
        b'{"Protocol": "DATASET", "DataSet": {"Heading": ["A"], "Da',
        b'{"DataSet": {"Heading": "A, B", "Data": [[1]]}}',
        b'{"DataSet": {"Heading": ["A"], "Data": {"rows": 1}}}',
        b'{"DataSet": {"Heading": [1], "Data": [[1]]}}',
        b'{"a": ' + b"[" * 100_000,
    ],
)
def test_a_misshapen_reply_is_worth_another_try(body: bytes) -> None:
    with pytest.raises(BadReply):
        rows(body)


def test_a_byte_order_mark_is_skipped() -> None:
    assert rows(b"\xef\xbb\xbf" + json.dumps({"DataSet": TABLE}).encode()) == READ


def test_a_windows_1252_row_is_read_as_such() -> None:
    body = '{"DataSet": {"Heading": ["A"], "Data": [["Peña – “x”"], ["plain"]]}}'
    assert rows(body.encode("cp1252")) == [{"A": "Peña – “x”"}, {"A": "plain"}]
    assert rows(body.encode()) == [{"A": "Peña – “x”"}, {"A": "plain"}]


def test_half_a_surrogate_pair_spoils_its_own_row_only() -> None:
    body = (
        rb'{"DataSet": {"Heading": ["A"], "Data": [["\ud83d"], ["\ud83d\ude00"], ["\/Date(2026-01-01)\/"]]}}'
    )
    assert [row["A"] for row in rows(body)] == ["\ud83d", "😀", "/Date(2026-01-01)/"]


@pytest.mark.parametrize(
    ("row", "code"),
    [("[1]", "row_length"), ("[1,2,3]", "row_length"), ("{}", "bad_row"), ("null", "bad_row")],
)
def test_a_row_that_does_not_fit_its_heading_fails_alone(row: str, code: str) -> None:
    table = read_table(f'{{"DataSet": {{"Heading": ["A", "B"], "Data": [{row}, [3, 4]]}}}}'.encode())
    bad, good = list(table.drain())
    with pytest.raises(RecordError) as error:
        table.row(bad)
    assert error.value.code == code
    assert table.row(good) == {"A": 3, "B": 4}
    assert table.partial_row(bad) in ({"A": 1}, {"A": 1, "B": 2}, {})


def test_rows_are_let_go_of_as_they_are_taken() -> None:
    table = read_table(json.dumps({"DataSet": TABLE}).encode())
    assert len(table) == 2
    taken = table.drain()
    assert table.row(next(taken)) == READ[0]
    assert len(table) == 1
    assert table.row(next(taken)) == READ[1]
    assert len(table) == 0
