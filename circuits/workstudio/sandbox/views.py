"""GETVIEWDATA: from a request to the rows, in the order and with the limits of the real views."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from circuits.workstudio.sandbox.columns import (
    ASSESSMENTS_VIEW,
    CIRCUIT_COLUMNS,
    JOB_TYPES,
    PLANNED_UNITS_VIEW,
    STATUS_CODES,
    UNIT_COLUMNS,
    UNIT_INDEX,
)
from circuits.workstudio.sandbox.dataset import Dataset
from circuits.workstudio.sandbox.envelope import wrap
from circuits.workstudio.sandbox.headings import Headings
from circuits.workstudio.sandbox.people import Login
from circuits.workstudio.sandbox.records import CircuitRecord
from circuits.workstudio.sandbox.units import HIDDEN_CODES
from circuits.workstudio.sandbox.values import date_order, encode

ASSESSMENTS = "assessments"
PLANNED_UNITS = "planned_units"
_VIEWS = {ASSESSMENTS_VIEW: ASSESSMENTS, PLANNED_UNITS_VIEW: PLANNED_UNITS}
_FILTERS = {ASSESSMENTS: ("By Job Status", "Work Order Search"), PLANNED_UNITS: ("WO#",)}
_CACHED_REPLIES = 12


class ViewError(Exception):
    """A request that the server answers with an application error; its text is the ``errorMessage``."""


@dataclass(frozen=True, slots=True)
class ViewQuery:
    """What a GETVIEWDATA request asks for."""

    view: str
    filter_name: str
    value: str


def pick(document: Mapping[str, Any], name: str, default: Any = None) -> Any:
    """Return a property whatever the case of its name."""
    if name in document:
        return document[name]
    return next((value for key, value in document.items() if key.lower() == name.lower()), default)


def parse_query(document: Any) -> ViewQuery:
    """Read a GETVIEWDATA body; raises ViewError."""
    if not isinstance(document, dict):
        raise ViewError("The request is not a JSON object.")
    view_guid = str(pick(document, "ViewDefinitionGuid", ""))
    view = _VIEWS.get(view_guid.upper())
    if view is None:
        raise ViewError(f"View definition {view_guid} does not exist.")
    if str(pick(document, "ResultFormat", "DDOTable")).casefold() != "ddotable":
        raise ViewError("The result format is not supported.")
    view_filter = pick(document, "ViewFilter")
    if not isinstance(view_filter, dict):
        raise ViewError("A view filter is required.")
    name = str(pick(view_filter, "FilterName", ""))
    if name not in _FILTERS[view]:
        raise ViewError(f"Filter '{name}' does not exist on the view.")
    return ViewQuery(view, name, str(pick(view_filter, "FilterValue", "")))


class Views:
    """Answers view queries and keeps the encoded tables of whole statuses until the data changes.

    Not thread safe; its owner locks.

    Args:
        dataset: what the server holds.
        headings: how the columns are shown.
    """

    def __init__(self, dataset: Dataset, headings: Headings) -> None:
        self._dataset = dataset
        self._headings = headings
        self._tables: OrderedDict[tuple[Any, ...], bytes] = OrderedDict()
        self._revision = dataset.revision

    def reply(self, query: ViewQuery, login: Login) -> bytes:
        """Return the whole reply body."""
        if query.view == PLANNED_UNITS:
            table = encode(self._headings.table(UNIT_COLUMNS, self._unit_rows(query.value)))
        elif query.filter_name == "By Job Status":
            table = self._status_table(query.value, login)
        else:
            records = self._dataset.of_work_order(query.value)
            table = self._circuit_table(records, login)
        return wrap(table, query.view, query.filter_name, query.value, login.username)

    def _status_table(self, status: str, login: Login) -> bytes:
        if self._revision != self._dataset.revision:
            self._tables.clear()
            self._revision = self._dataset.revision
        key = (status, login.regions)
        if key not in self._tables:
            records = [record for record in self._dataset.records if record.status == status]
            self._tables[key] = self._circuit_table(records, login)
            if len(self._tables) > _CACHED_REPLIES:
                self._tables.popitem(last=False)
        self._tables.move_to_end(key)
        return self._tables[key]

    def _circuit_table(self, records: list[CircuitRecord], login: Login) -> bytes:
        shown = [
            record
            for record in records
            if record.status in STATUS_CODES
            and record.get("SS_JOBTYPE") in JOB_TYPES
            and login.sees(record.get("REGION"))
        ]
        shown.sort(key=_circuit_order, reverse=True)
        return encode(self._headings.table(CIRCUIT_COLUMNS, [record.row for record in shown]))

    def _unit_rows(self, work_order: str) -> list[list[Any]]:
        code, extension, assessed = (
            UNIT_INDEX[name] for name in ("VEGUNIT_UNIT", "SS_EXT", "VEGUNIT_ASSDDATE")
        )
        rows = [
            row
            for row in self._dataset.units_of(work_order)
            if row[extension] == "@" and row[code] not in HIDDEN_CODES
        ]
        return sorted(rows, key=lambda row: date_order(row[assessed]))


def _circuit_order(record: CircuitRecord) -> tuple[str, str, str]:
    return date_order(record.get("SS_EDITDATE")), str(record.get("SS_WO")), str(record.get("SS_EXT"))
