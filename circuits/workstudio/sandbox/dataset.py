"""The circuits and planned units that the simulated server holds."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

from circuits.workstudio.sandbox.columns import CIRCUIT_COLUMNS, DUPLICATES, SYNCED_STATUSES
from circuits.workstudio.sandbox.generator import CircuitGenerator
from circuits.workstudio.sandbox.options import SeedOptions
from circuits.workstudio.sandbox.records import CircuitRecord, row_from
from circuits.workstudio.sandbox.units import generate_units
from circuits.workstudio.sandbox.values import edited, random_stream

_BLANK: dict[str, Any] = {
    **dict.fromkeys(CIRCUIT_COLUMNS, ""),
    **dict.fromkeys((name for name in CIRCUIT_COLUMNS if name.startswith(("UNITCOUNTS", "WSREQ_SKETCH"))), 0),
    **dict.fromkeys(("VEGJOB_LENGTH", "VEGJOB_LENGTHCOMP", "VEGJOB_PRCENT", "VEGJOB_PROJACRES"), 0),
    **dict.fromkeys(
        ("WSREQ_VERSION", "WSREQ_SYNCHVERSN", "WSREQ_ESTMINS", "WSREQ_MINSLEFT", "WSREQ_TRAVELMINS"), 0
    ),
    **dict.fromkeys(("SS_READONLY", "WSREQ_READONLY", "WSREQ_SYNCHSTATE", "WSREQ_TAKEN"), False),
    "SS_EXT": "@",
    "WSREQ_EXT": "@",
    "SS_JOBTYPE": "Assessment Dx",
    "WSREQ_JOBTYPE": "Assessment Dx",
    "WSREQ_STATUS": "ACTIV",
    "WSREQ_BOUNDSGEOM": None,
}


class Dataset:
    """Circuits in memory with what tests do to them; not thread safe, its owner locks.

    Attributes:
        options: the seed options, also the source of planned units.
        records: every circuit, in no particular order.
        revision: goes up with every change of circuits.
    """

    def __init__(self, options: SeedOptions | None = None) -> None:
        self.options = options or SeedOptions(circuits=0, units=False, hostile=False)
        self.records: list[CircuitRecord] = CircuitGenerator(self.options).records() if options else []
        self.revision = 0
        self._edits = 0
        self._units: dict[str, list[list[Any]]] = {}
        self._index()

    def _index(self) -> None:
        self.revision += 1
        self._by_guid: dict[str, CircuitRecord] = {}
        self._by_work_order: defaultdict[str, list[CircuitRecord]] = defaultdict(list)
        for record in self.records:
            self._enter(record)

    def _enter(self, record: CircuitRecord) -> None:
        job_guid = record.get("SS_JOBGUID")
        if isinstance(job_guid, str) and job_guid:
            self._by_guid[job_guid.upper()] = record
        self._by_work_order[str(record.get("SS_WO"))].append(record)

    def find(self, job_guid: str) -> CircuitRecord | None:
        """Return a circuit by its job GUID, whatever the case."""
        return self._by_guid.get(job_guid.upper())

    def of_work_order(self, work_order: str) -> list[CircuitRecord]:
        """Return every circuit of a work order."""
        return list(self._by_work_order.get(work_order, ()))

    def units_of(self, work_order: str) -> list[list[Any]]:
        """Return the unit rows of a work order: the loaded ones, or generated ones for its main job."""
        if work_order in self._units:
            return self._units[work_order]
        mains = [record for record in self.of_work_order(work_order) if record.extension == "@"]
        if not self.options.units or not mains:
            return []
        return generate_units(mains[0], self.options.seed)

    def replace(self, rows: Iterable[list[Any]]) -> int:
        """Hold these circuits instead of all others; returns how many."""
        self.records = [CircuitRecord(list(row)) for row in rows]
        self._index()
        return len(self.records)

    def replace_units(self, units: Mapping[str, list[list[Any]]]) -> None:
        """Hold these unit rows for their work orders."""
        self._units.update(units)

    def upsert(self, rows: Iterable[Mapping[str, Any]]) -> int:
        """Insert or change the circuits with the ``SS_JOBGUID`` given; returns how many were new.

        Columns that the view shows twice follow their twin unless both are given. A row that was too short
        becomes whole.
        """
        known = len(self.records)
        for cells in rows:
            cells = {**{twin: cells[name] for name, twin in DUPLICATES.items() if name in cells}, **cells}
            record = self.find(cells["SS_JOBGUID"])
            if record is None:
                record = CircuitRecord(row_from({**_BLANK, "SS_EDITDATE": self._now(), **cells}))
                self.records.append(record)
                self._enter(record)
            else:
                held = dict(zip(CIRCUIT_COLUMNS, record.row, strict=False))
                record.row = row_from({**_BLANK, **held, **cells})
        self._index()
        return len(self.records) - known

    def touch(
        self, status: str | None, *, count: int | None = None, percent: float | None = None
    ) -> list[str]:
        """Edit some circuits as people in the field do; returns their job GUIDs.

        Args:
            status: which circuits to choose from; None for all statuses that the product asks for.
            count: how many.
            percent: how many, in percent of those circuits, at least one.
        """
        wanted = (status,) if status else SYNCED_STATUSES
        pool = [record for record in self._by_guid.values() if record.status in wanted and not record.hostile]
        size = count if count is not None else max(1, round(len(pool) * (percent or 0) / 100))
        chosen = random_stream(f"{self.options.seed}:{self._edits}").sample(pool, min(size, len(pool)))
        for record in chosen:
            self._edit(record)
        self.revision += 1
        return [str(record.get("SS_JOBGUID")) for record in chosen]

    def move(self, job_guid: str, status: str) -> str | None:
        """Give a circuit another status; returns the old one, None for an unknown circuit."""
        record = self.find(job_guid)
        if record is None:
            return None
        old = str(record.status)
        record.set("WSREQ_STATUS", status)
        self._mark_edited(record)
        self.revision += 1
        return old

    def _edit(self, record: CircuitRecord) -> None:
        length = record.get("VEGJOB_LENGTH")
        percent = record.get("VEGJOB_PRCENT")
        percent = (percent + 7) % 101 if isinstance(percent, int) else 7
        miles = round(length * percent / 100, 2) if isinstance(length, int | float) else 0
        record.set("VEGJOB_PRCENT", percent)
        record.set("VEGJOB_LENGTHCOMP", int(miles) if miles == int(miles) else miles)
        self._mark_edited(record)

    def _mark_edited(self, record: CircuitRecord) -> None:
        version = record.get("WSREQ_VERSION")
        record.set("WSREQ_VERSION", version + 1 if isinstance(version, int) else 1)
        record.set("SS_EDITDATE", self._now())

    def _now(self) -> str:
        self._edits += 1
        return edited(self._edits / 60)
