"""Control calls of the WorkStudio sandbox: what people in the field and administrators do to the data."""

from __future__ import annotations

from typing import Any

from circuits.workstudio.sandbox.columns import CIRCUIT_COLUMNS, STATUS_CODES, UNIT_COLUMNS, UNIT_INDEX
from circuits.workstudio.sandbox.dataset import Dataset
from circuits.workstudio.sandbox.people import Login
from circuits.workstudio.sandbox.views import pick
from integrations.sandbox import SandboxError

CONTROL_PATHS = {
    "POST circuits": "insert or change circuits: [{heading: value}], SS_JOBGUID needed",
    "POST touch": 'edit circuits in the field: {"count" or "percent", "status"}',
    "POST move": 'give a circuit another status: {"job_guid", "status"}',
    "POST headings": 'show other columns: {"drop": [...], "reorder": true, "case": "lower"}; {} = usual',
    "POST load": "hold the circuits or planned units of a whole reply document",
    "POST users": "add, change or (null) remove logins: {username: {password, regions}}",
}
_COLUMN_NAMES = {name.upper(): name for name in CIRCUIT_COLUMNS}


def upsert(dataset: Dataset, document: Any) -> dict[str, int]:
    """Insert or change circuits; raises SandboxError."""
    rows = document if isinstance(document, list) else [document]
    clean = [_cells(row) for row in rows]
    created = dataset.upsert(clean)
    return {"created": created, "updated": len({cells["SS_JOBGUID"].upper() for cells in clean}) - created}


def _cells(row: Any) -> dict[str, Any]:
    if not isinstance(row, dict):
        raise SandboxError(f"A circuit must be an object of headings and values, not {row!r}.")
    unknown = sorted(name for name in row if name.upper() not in _COLUMN_NAMES)
    if unknown:
        raise SandboxError(f"Unknown heading {unknown[0]!r}.", headings=list(CIRCUIT_COLUMNS))
    cells = {_COLUMN_NAMES[name.upper()]: value for name, value in row.items()}
    if not isinstance(cells.get("SS_JOBGUID"), str) or not cells["SS_JOBGUID"]:
        raise SandboxError("A circuit needs an SS_JOBGUID.")
    return cells


def touch(dataset: Dataset, document: dict[str, Any]) -> dict[str, Any]:
    """Edit some circuits; raises SandboxError."""
    count, percent, status = document.get("count"), document.get("percent"), document.get("status")
    if (count is None) == (percent is None):
        raise SandboxError("Give either count or percent.")
    if count is not None and (isinstance(count, bool) or not isinstance(count, int) or count < 0):
        raise SandboxError(f"count must be a whole number, not {count!r}.")
    if percent is not None and (not isinstance(percent, int | float) or not 0 < percent <= 100):
        raise SandboxError(f"percent must be a number above 0 and at most 100, not {percent!r}.")
    guids = dataset.touch(_status(status) if status else None, count=count, percent=percent)
    return {"touched": len(guids), "job_guids": guids}


def move(dataset: Dataset, document: dict[str, Any]) -> dict[str, Any]:
    """Give a circuit another status; raises SandboxError."""
    job_guid, status = str(document.get("job_guid", "")), _status(document.get("status"))
    old = dataset.move(job_guid, status)
    if old is None:
        raise SandboxError(f"There is no circuit {job_guid!r}.", 404)
    return {"job_guid": job_guid, "from": old, "to": status}


def _status(value: Any) -> str:
    if not isinstance(value, str) or value not in STATUS_CODES:
        raise SandboxError(f"Unknown status {value!r}.", statuses=sorted(STATUS_CODES))
    return value


def load(dataset: Dataset, document: dict[str, Any]) -> dict[str, int]:
    """Hold the rows of a reply document, circuits or planned units; raises SandboxError."""
    table = pick(document, "DataSet")
    heading = pick(table, "Heading") if isinstance(table, dict) else None
    data = pick(table, "Data", []) if isinstance(table, dict) else None
    if (
        not isinstance(heading, list)
        or not isinstance(data, list)
        or not all(isinstance(row, list) for row in data)
    ):
        raise SandboxError("A reply document needs DataSet.Heading and DataSet.Data.")
    names = [str(name).upper() for name in heading]
    if "VEGUNIT_UNIT" not in names:
        return {"circuits": dataset.replace(_in_wire_order(names, data, CIRCUIT_COLUMNS))}
    rows = _in_wire_order(names, data, UNIT_COLUMNS)
    by_work_order: dict[str, list[list[Any]]] = {}
    for row in rows:
        by_work_order.setdefault(str(row[UNIT_INDEX["SS_WO"]]), []).append(row)
    dataset.replace_units(by_work_order)
    return {"units": len(rows), "work_orders": len(by_work_order)}


def _in_wire_order(names: list[str], data: list[list[Any]], columns: tuple[str, ...]) -> list[list[Any]]:
    """Bring rows to the view's columns; rows under the view's own heading stay as they are, however short."""
    if names == [column.upper() for column in columns]:
        return data
    if any(len(row) != len(names) for row in data):
        raise SandboxError("Every row must be as long as the heading.")
    rows = [dict(zip(names, row, strict=True)) for row in data]
    return [[row.get(column.upper()) for column in columns] for row in rows]


def parse_login(username: str, document: Any) -> Login:
    """Check one login as received; raises SandboxError."""
    if not isinstance(document, dict) or not isinstance(document.get("password"), str):
        raise SandboxError(f"The login {username!r} needs a password.")
    regions = document.get("regions")
    if regions is not None and not (
        isinstance(regions, list) and all(isinstance(name, str) for name in regions)
    ):
        raise SandboxError(f"regions of {username!r} must be a list of names, or null for all.")
    return Login(username, document["password"], None if regions is None else tuple(regions))
