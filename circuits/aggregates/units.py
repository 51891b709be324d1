"""Planned units as WorkStudio's view lists them: read, measured and let go, never stored."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.db.models import CharField, DecimalField

from circuits.models.circuit import MAIN_EXTENSION
from circuits.workstudio.errors import WorkStudioProtocolError
from circuits.workstudio.table import PROVIDER, DDOTable
from integrations.http.errors import RecordError
from integrations.sync import checks
from integrations.sync.records import Refused

COLUMNS = (
    "SS_EXT",
    "VEGUNIT_UNIT",
    "VEGUNIT_PERMSTAT",
    "VEGUNIT_FORESTER",
    "JOBVEGETATIONUNITS_LENGTHWRK",
    "JOBVEGETATIONUNITS_ACRES",
    "JOBVEGETATIONUNITS_NUMTREES",
)
UNKNOWN = "Unknown"
PENDING = "Pending"
PERMISSIONS = {
    name.casefold(): name
    for name in ("Approved", "Refused", PENDING, "No Contact", "Deferred", "PPL Approved", "N/A")
}

_TEXT: CharField[str, str] = CharField(max_length=150)
_MEASURE: DecimalField[Decimal, Decimal] = DecimalField(max_digits=20, decimal_places=10)


@dataclass(frozen=True, slots=True)
class Unit:
    """One planned unit; `linear_ft` in feet. `permission` and `planner` are spelled as they are counted."""

    extension: str
    code: str
    permission: str
    planner: str
    linear_ft: Decimal
    acres: Decimal
    trees: int


def read_units(table: DDOTable) -> tuple[list[Unit], list[Refused]]:
    """Every unit of a reply, and the rows that cannot be read.

    Raises WorkStudioProtocolError when the view lacks a column that the numbers are made of.
    """
    missing = [name for name in COLUMNS if name not in table.heading] if len(table) else []
    if missing:
        raise WorkStudioProtocolError(
            f"the planned-units view lacks the columns {', '.join(missing)}", provider=PROVIDER
        )
    units, refused = [], []
    for index, raw in enumerate(table.drain()):
        try:
            units.append(_unit(table.row(raw)))
        except RecordError as error:
            source_id = str(table.partial_row(raw).get("SSUNITS_OBJECTID") or "")
            refused.append(Refused(index, source_id, error))
    return units, refused


def _unit(row: dict[str, Any]) -> Unit:
    permission = _text(row, "VEGUNIT_PERMSTAT") or PENDING
    return Unit(
        extension=_text(row, "SS_EXT") or MAIN_EXTENSION,
        code=_text(row, "VEGUNIT_UNIT") or UNKNOWN,
        permission=PERMISSIONS.get(permission.casefold(), permission),
        planner=_text(row, "VEGUNIT_FORESTER") or UNKNOWN,
        linear_ft=_measure(row, "JOBVEGETATIONUNITS_LENGTHWRK"),
        acres=_measure(row, "JOBVEGETATIONUNITS_ACRES"),
        trees=int(_measure(row, "JOBVEGETATIONUNITS_NUMTREES")),
    )


def _text(row: dict[str, Any], column: str) -> str:
    return checks.text(row[column], _TEXT, column)


def _measure(row: dict[str, Any], column: str) -> Decimal:
    number = checks.decimal(row[column], _MEASURE, column)
    if number < 0:
        raise RecordError(f"{column} is negative: {row[column]}", code="out_of_range", field=column)
    return number
