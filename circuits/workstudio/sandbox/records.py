"""One circuit as the simulated server holds it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from circuits.workstudio.sandbox.columns import CIRCUIT_COLUMNS, CIRCUIT_INDEX
from circuits.workstudio.sandbox.values import Place

LONGEST_WORK_ORDER = 40


@dataclass(slots=True)
class CircuitRecord:
    """A row of the assessments view.

    Attributes:
        row: the values in wire order; a hostile row may be shorter.
    """

    row: list[Any]

    def get(self, column: str) -> Any:
        """Return a value; None where the row is too short."""
        index = CIRCUIT_INDEX[column]
        return self.row[index] if index < len(self.row) else None

    def set(self, column: str, value: Any) -> None:
        """Change a value; a row too short for it stays as it is."""
        index = CIRCUIT_INDEX[column]
        if index < len(self.row):
            self.row[index] = value

    @property
    def status(self) -> Any:
        """The job's status code."""
        return self.get("WSREQ_STATUS")

    @property
    def extension(self) -> str:
        """The extension, ``@`` where the row has none."""
        return str(self.get("SS_EXT") or "@")

    @property
    def hostile(self) -> str:
        """Why no client can take the record, a key of HOSTILE_STATUSES; empty for a sound one."""
        title = self.get("SS_TITLE")
        if len(self.row) != len(CIRCUIT_COLUMNS):
            return "short_row"
        if not self.get("SS_JOBGUID"):
            return "missing_job_guid"
        if len(str(self.get("SS_WO"))) > LONGEST_WORK_ORDER:
            return "long_work_order"
        if title is not None and not isinstance(title, str):
            return "title_not_text"
        return "nul_in_title" if title and "\x00" in title else ""

    @property
    def region_name(self) -> str:
        """The region without regard to case and blanks; empty where the row has none."""
        region = self.get("REGION")
        return region.strip().title() if isinstance(region, str) else ""


@dataclass(frozen=True, slots=True)
class Line:
    """What the members of a split family share."""

    work_order: str
    title: str
    line_name: str
    region: str | None
    cycle: str | None
    start_date: str | None
    place: Place


def row_from(cells: dict[str, Any]) -> list[Any]:
    """Put named values into wire order; raises KeyError when one is missing."""
    return [cells[column] for column in CIRCUIT_COLUMNS]
