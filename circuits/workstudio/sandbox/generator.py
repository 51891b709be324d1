"""A believable set of circuits, the same for the same seed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import date
from typing import Any

from circuits.workstudio.sandbox import cells
from circuits.workstudio.sandbox.hostile import HOSTILE_STATUSES, spoil
from circuits.workstudio.sandbox.options import SeedOptions
from circuits.workstudio.sandbox.people import PLANNERS, Planner
from circuits.workstudio.sandbox.records import CircuitRecord, Line, row_from
from circuits.workstudio.sandbox.values import NO_DATE, Place, random_stream, wire_date

_FAMILY_EVERY = 25
_FIRST_FAMILY = 3
_ORPHANS_EVERY = 5
_SCATTERED_EVERY = 3
_SPREAD = (1_000_000, 9_000_000)
_SPLITS = ("C_a", "C_b", "C_ba")
_ALDER = (
    "ALDER",
    "ASPEN",
    "BIRCH",
    "CEDAR",
    "COPPER",
    "ELM",
    "FERN",
    "GRANITE",
    "HAZEL",
    "JUNIPER",
    "LARCH",
    "MAPLE",
    "OAK",
    "PINE",
    "SORREL",
    "WILLOW",
)
_GROVE = (
    "BEND",
    "BLUFF",
    "CREEK",
    "CROSSING",
    "FLATS",
    "GROVE",
    "HOLLOW",
    "JUNCTION",
    "KNOLL",
    "MEADOW",
    "POINT",
    "RIDGE",
    "RUN",
    "SPUR",
    "TRAIL",
)
_UNICODE = ("PEÑA BLANCA", "ŁÓDŹ “NORTH”", "CAFÉ HILL – OLD", "SÃO BENTO", "樹 GROVE", "O’MALLEY BLUFF")
_VOLTAGES = ("12 KV", "69/12 KV", "34 KV", "4 KV")
_CYCLES = (
    "Cycle Maintenance - Trim",
    "Cycle Maintenance - Trim",
    "Cycle Maintenance - Herbicide",
    "Reactive",
    "Lump Sum Maintenance",
    "Misc. Project Work",
    "VM Detection",
)


class CircuitGenerator:
    """Draws circuits.

    Args:
        options: how many, in which statuses and regions.
    """

    def __init__(self, options: SeedOptions) -> None:
        self._options = options
        self._rng = random_stream(options.seed)
        self._work_orders = 0
        self._families = 0
        self._takers = 0

    def records(self) -> list[CircuitRecord]:
        """Return all circuits: the sound ones first, then the hostile ones."""
        remaining = Counter(self._options.status_counts())
        records: list[CircuitRecord] = []
        while remaining.total() > 0:
            records.extend(self._family(remaining))
        if self._options.hostile:
            records.extend(spoil(self._hostile_base(), kind) for kind in HOSTILE_STATUSES)
        return records

    def _family(self, remaining: Counter[str]) -> Iterator[CircuitRecord]:
        line = self._line()
        extensions = self._extensions()
        scattered = len(extensions) > 1 and self._families % _SCATTERED_EVERY == 0
        status = self._status(remaining)
        for extension in extensions[: remaining.total()]:
            if scattered or remaining[status] <= 0:
                status = self._status(remaining)
            remaining[status] -= 1
            yield self._record(line, extension, status)

    def _extensions(self) -> tuple[str, ...]:
        """Return a family's extensions: mostly the main job alone, sometimes splits without their parent."""
        if self._work_orders % _FAMILY_EVERY != _FIRST_FAMILY:
            return ("@",)
        self._families += 1
        splits = _SPLITS[: self._rng.randint(1, 3)]
        return splits if self._families % _ORPHANS_EVERY == 0 else ("@", *splits)

    def _status(self, remaining: Counter[str]) -> str:
        codes = [code for code, count in remaining.items() if count > 0]
        return self._rng.choices(codes, [remaining[code] for code in codes])[0]

    def _hostile_base(self) -> CircuitRecord:
        line = self._line(region=self._options.regions[0])
        return self._record(line, "@", "ACTIV")

    def _line(self, region: str | None = None) -> Line:
        rng = self._rng
        self._work_orders += 1
        name = f"{rng.choice(_ALDER)} {rng.choice(_GROVE)}"
        tail = f"{rng.choice(_VOLTAGES)} {rng.randint(1, 40):02d}-{rng.randint(1, 9):02d} LINE"
        shown = rng.choice(_UNICODE) if rng.random() < 0.02 else name
        index = rng.randrange(len(self._options.regions))
        return Line(
            work_order=self._work_order(name),
            title=f"{shown} {tail}",
            line_name=f"{name} {tail}",
            region=region or self._region(index),
            cycle=rng.choice(_CYCLES) if rng.random() > 0.01 else None,
            start_date=self._start_date(),
            place=Place(104 - index % 6, rng.randint(*_SPREAD), 44 + index // 6, rng.randint(*_SPREAD)),
        )

    def _region(self, index: int) -> str | None:
        draw = self._rng.random()
        if draw < 0.005:
            return None
        name = self._options.regions[index]
        return name.upper() if draw < 0.01 else name

    def _work_order(self, name: str) -> str:
        number = self._work_orders
        year = 2026 - number % 4
        if number % 50 == 0:
            return f"{year}-HRB-{name[:2]}{number:06d}"
        return f"{year}-{1000 + number // 4:04d}"

    def _start_date(self) -> str | None:
        draw = self._rng.random()
        if draw < 0.02:
            return None
        if draw < 0.10:
            return NO_DATE
        if draw < 0.15:
            return "/Date(2025-09-30T12:07:22.477Z)/"
        return wire_date(date(2026 - int(draw * 100) % 4, 1, 1))

    def _taker(self, status: str) -> Planner | None:
        if self._rng.random() > (0.1 if status == "CLOSE" else 0.4):
            return None
        self._takers += 1
        return PLANNERS[self._takers - 1] if self._takers <= len(PLANNERS) else self._rng.choice(PLANNERS)

    def _record(self, line: Line, extension: str, status: str) -> CircuitRecord:
        rng = self._rng
        row: dict[str, Any] = {
            **cells.identity(rng, line, extension, status),
            **cells.progress(rng, status),
            **cells.people(rng, self._taker(status)),
            **cells.outline(rng, line, self._options.polygon_points),
            **cells.fixed(),
        }
        return CircuitRecord(row_from(row))
