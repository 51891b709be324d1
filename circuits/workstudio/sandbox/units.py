"""Planned units, drawn when a work order is asked for, always the same for the same work order."""

from __future__ import annotations

import random
from datetime import date, timedelta
from typing import Any, NamedTuple

from circuits.workstudio.sandbox.columns import UNIT_COLUMNS
from circuits.workstudio.sandbox.people import PLANNERS
from circuits.workstudio.sandbox.records import CircuitRecord
from circuits.workstudio.sandbox.values import NO_DATE, guid, random_stream, wire_date

UNITS_PER_WORK_ORDER = (5, 40)
HIDDEN_CODES = frozenset({"NW", "NOT", "SENSI"})
"""No-work and sensitive-area units, which the view leaves out."""


class UnitKind(NamedTuple):
    """A unit code with its description and category: VLG line, VAR area or VCT trees."""

    code: str
    description: str
    category: str


KINDS = (
    UnitKind("SPM", "Single Phase - Manual", "VLG"),
    UnitKind("SPB", "Single Phase - Bucket", "VLG"),
    UnitKind("MPM", "Multi Phase - Manual", "VLG"),
    UnitKind("MPB", "Multi Phase - Bucket", "VLG"),
    UnitKind("SIDET", "Side Trim", "VLG"),
    UnitKind("OHT", "Overhang Trim", "VLG"),
    UnitKind("HCB", "Hand Cut Brush", "VAR"),
    UnitKind("BRUSHTRIM", "Brush with Trim", "VAR"),
    UnitKind("HERBNA", "Herbicide - Non Aquatic", "VAR"),
    UnitKind("Herb-Sub", "Herbicide - Substation", "VAR"),
    UnitKind("T&M", "Time and Material", "VAR"),
    UnitKind("REM612", 'Removal 6.1-12"', "VCT"),
    UnitKind("REM1218", 'Removal 12.1-18"', "VCT"),
    UnitKind("REM>30", 'Removal over 30"', "VCT"),
    UnitKind("ASH1824", 'Ash 18.1 -24"', "VCT"),
    UnitKind("VPS", "Vine Pole Service", "VCT"),
)
_UNLISTED = UnitKind("XNEW9", "", "")
_PERMISSIONS = ("Approved",) * 5 + (
    "",
    "",
    "Pending",
    "pending",
    "Refused",
    "No Contact",
    "Deferred",
    "N/A",
    None,
)
_NOTES = ("Keep the lilac — owner’s request.", "Nötig: Rücksprache 樹", "Dog in yard.\r\nRing twice.")
_TALKS = ("Spoke with owner by phone; would accept trim.", "Left a door card.")
_SPECIES = ("Silver Maple", "White Ash", "Norway Spruce", "")


def generate_units(main: CircuitRecord, seed: int) -> list[list[Any]]:
    """Return the unit rows of a work order, their columns in wire order.

    Args:
        main: the work order's main job.
        seed: the data set's seed.
    """
    rng = random_stream(f"{seed}:{main.get('SS_WO')}")
    crew = rng.sample(PLANNERS, 2)
    rows = []
    for number in range(rng.randint(*UNITS_PER_WORK_ORDER)):
        kind = rng.choice(KINDS) if rng.random() > 0.01 else _UNLISTED
        planner = crew[rng.random() < 0.3].name
        cells = {**_job(main), **_work(rng, kind), **_assessment(rng, planner), **_place(rng, main, number)}
        rows.append([cells[column] for column in UNIT_COLUMNS])
    return rows


def _job(main: CircuitRecord) -> dict[str, Any]:
    title = main.get("VEGJOB_LINENAME")
    feeder = "".join(filter(str.isdigit, str(title)))[-5:]
    return {
        "VEGJOB_REGION": main.get("REGION"),
        "VEGJOB_CYCLETYPE": main.get("VEGJOB_CYCLETYPE"),
        "WPStartDate_Assessment_Xrefs_WP_STARTDATE": main.get("WPStartDate_Assessment_Xrefs_WP_STARTDATE"),
        "SS_WO": main.get("SS_WO"),
        "SS_EXT": "@",
        "VEGSTAT_LINENAME": title,
        "LineIDLookup_FeederID": feeder or None,
        "VEGJOB_CONTRACTOR": main.get("VEGJOB_CONTRACTOR"),
        "VEGUNIT_COSTMETHOD": "UC",
        "VEGUNIT_UNIT_CLASS": 2,
    }


def _work(rng: random.Random, kind: UnitKind) -> dict[str, Any]:
    feet = float(f"{rng.uniform(3, 250) * 3.28084:.15g}") if kind.category in ("VLG", "") else 0
    acres = float(f"{rng.random() ** 2 * 1.5:.15g}") if kind.category == "VAR" else 0
    trees = rng.randint(1, 6) if kind.category == "VCT" else 0
    return {
        "VEGUNIT_UNIT": kind.code,
        "UNITS_DESCRIPTIO": kind.description or None,
        "JOBVEGETATIONUNITS_NUMTREES": trees,
        "JOBVEGETATIONUNITS_LENGTHWRK": round(feet) if rng.random() < 0.2 else feet,
        "JOBVEGETATIONUNITS_ACRES": acres if rng.random() > 0.02 else None,
        "VEGUNIT_REMOVCAT": rng.choice(("Maintained", "Non-Maintained", "")),
        "VEGUNIT_SPECIES": rng.choice(_SPECIES) if kind.category == "VCT" else "",
        "SSUNITS_OBJECTID": guid(rng),
    }


def _assessment(rng: random.Random, planner: str) -> dict[str, Any]:
    draw = rng.random()
    day = date(2026, 2, 10) - timedelta(days=rng.randint(0, 300))
    audited = rng.random() < 0.05
    return {
        "VEGUNIT_FORESTER": None if draw < 0.02 else f"{planner} " if draw < 0.2 else planner,
        "VEGUNIT_ASSDDATE": None if draw < 0.02 else NO_DATE if draw < 0.04 else wire_date(day),
        "VEGUNIT_PERMSTAT": rng.choice(_PERMISSIONS),
        "VEGUNIT_AUDIT_USER": "UTILNET\\qc.auditor" if audited else "",
        "VEGUNIT_AUDITOR": "QC Auditor" if audited else "",
        "VEGUNIT_AUDITDATE": "/Date(2026-02-01T16:00:00.000Z)/" if audited else NO_DATE,
        "VEGUNIT_AUDIT_FAIL_HIST": audited and rng.random() < 0.5,
        "VEGUNIT_AUDIT_PASS": audited,
        "VEGUNIT_ASSNOTE": rng.choice(_NOTES) if rng.random() < 0.1 else "",
        "VEGUNIT_PARCELCOMMENTS": rng.choice(_TALKS) if rng.random() < 0.1 else "",
    }


def _place(rng: random.Random, main: CircuitRecord, number: int) -> dict[str, Any]:
    west = _degrees(main.get("WSREQ_SKETCHLEFT"), -101.2)
    south = _degrees(main.get("WSREQ_SKETCHTOP"), 47.1)
    start = [round(west + rng.random() * 0.02, 7), round(south + rng.random() * 0.01, 7)]
    end = [round(start[0] + 0.0006, 7), round(start[1] - 0.0003, 7)]
    return {
        "STATIONS_STATNAME": str(10 * (number + 1)),
        "VEGSTAT_FROMSTR": f"{rng.randint(41000, 41999)}N{rng.randint(10000, 10999)}",
        "VEGSTAT_TOSTR": f"{rng.randint(41000, 41999)}N{rng.randint(10000, 10999)}",
        "VEGUNIT_ASSLAT": round(start[1], 6),
        "VEGUNIT_ASSLONG": 0,
        "SSUNITS_GEOMETRY": {
            "@sourceFormat": "DataObjectGeometry",
            "type": "LineString",
            "coordinates": [start, end],
        },
    }


def _degrees(value: Any, default: float) -> float:
    return value if isinstance(value, int | float) and value else default
