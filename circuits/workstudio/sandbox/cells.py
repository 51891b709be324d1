"""The columns of a generated circuit, group by group, with the quirks of the real server."""

from __future__ import annotations

import random
from typing import Any

from circuits.workstudio.sandbox.people import CONTRACTORS, FORESTERS, Planner
from circuits.workstudio.sandbox.records import Line
from circuits.workstudio.sandbox.values import Outline, edited, guid

_SIZES = (0.2, 0.5, 0.8, 1.0, 1.0, 1.3, 2.2)
_STRANGERS = ("Dana Placeholder", "front desk", "tablet-11")
_COMMENTS = (
    "Call before entering the yard.",
    "Gate code at station 40 — call first.\r\nOwner prefers café-side access.",
    "Access from the county road.\r\n\r\nNo vehicles after rain.",
    "Mowing finished; herbicide to follow.",
)
_PERCENT = {"ACTIV": (0, 100), "REWRK": (60, 100), "DEF": (0, 30), "SA": (0, 0)}
_DAYS = {"CLOSE": (30, 1100), "DEF": (10, 400)}


def number(value: float) -> int | float:
    """Return the value as the server writes it: without a fraction where there is none."""
    return int(value) if value == int(value) else value


def identity(rng: random.Random, line: Line, extension: str, status: str) -> dict[str, Any]:
    """Return what names the job: keys, title, type, status."""
    job_guid = guid(rng)
    job_type = "Assessment Dx" if extension == "@" else "Split_Assessment"
    shown = "" if extension == "@" and rng.random() < 0.01 else extension
    return {
        "REGION": line.region,
        "WPStartDate_Assessment_Xrefs_WP_STARTDATE": line.start_date,
        "SS_WO": line.work_order,
        "SS_EXT": shown,
        "SS_TITLE": line.title,
        "VEGJOB_CYCLETYPE": line.cycle,
        "SS_JOBTYPE": job_type,
        "VEGJOB_LINENAME": line.line_name,
        "SS_JOBGUID": job_guid,
        "WSREQ_STATUS": status,
        "WSREQ_JOBGUID": job_guid,
        "WSREQ_WO": line.work_order,
        "WSREQ_EXT": shown,
        "WSREQ_JOBTYPE": job_type,
    }


def progress(rng: random.Random, status: str) -> dict[str, Any]:
    """Return lengths, percent, acres, trees and versions."""
    low, high = _PERCENT.get(status, (100, 100))
    percent = 0 if status == "ACTIV" and rng.random() < 0.4 else rng.randint(low, high)
    length = round(rng.random() ** 3 * 143, rng.choice((0, 2, 2, 2, 2)))
    first, last = _DAYS.get(status, (0, 60))
    milliseconds = rng.randint(first * 86_400_000 + 1, last * 86_400_000)
    version = rng.randint(1, 150)
    return {
        "VEGJOB_LENGTH": number(length) if rng.random() > 0.005 else None,
        "VEGJOB_LENGTHCOMP": number(round(length * percent / 100, 2)),
        "VEGJOB_PRCENT": percent,
        "VEGJOB_PROJACRES": number(round(length * rng.random() / 2, 2)),
        "UNITCOUNTS_LENGTHWRK": number(float(f"{length * percent / 800 * rng.random():.15g}")),
        "UNITCOUNTS_NUMTREES": rng.randint(0, 2 + int(length)),
        "SS_EDITDATE": _edit_date(rng, milliseconds),
        "WSREQ_VERSION": version,
        "WSREQ_SYNCHVERSN": max(0, version - rng.choice((0, 0, 0, 1, 2))),
    }


def _edit_date(rng: random.Random, milliseconds_ago: int) -> str | None:
    draw = rng.random()
    if draw < 0.005:
        return None
    text = edited(-milliseconds_ago / 60_000)
    return text.replace("0Z)/", "Z)/") if draw < 0.1 else text


def people(rng: random.Random, taker: Planner | None) -> dict[str, Any]:
    """Return who works on the job, and the comments they left."""
    taken_by: str | None = "" if rng.random() > 0.03 else None
    if taker is not None:
        draw = rng.random()
        taken_by = taker.username
        if draw < 0.02:
            taken_by = rng.choice(_STRANGERS)
        elif draw < 0.05 and taker.known:
            taken_by = taker.username.upper()
    draw = rng.random()
    return {
        "SS_ASSIGNEDTO": taken_by or "",
        "VEGJOB_FORESTER": rng.choice(FORESTERS) if draw > 0.08 else (None if draw < 0.02 else ""),
        "VEGJOB_CONTRACTOR": rng.choice(CONTRACTORS),
        "VEGJOB_GF": "",
        "SS_TAKENBY": taken_by,
        "VEGJOB_CIRCCOMNTS": rng.choice(_COMMENTS) if rng.random() < 0.2 else "",
        "WSREQ_TAKEN": bool(taken_by),
        "WSREQ_TAKENBY": taken_by,
        "WSREQ_ASSIGNEDTO": taken_by or "",
    }


def outline(rng: random.Random, line: Line, points: int) -> dict[str, Any]:
    """Return the boundary and its box: TOP is the smaller latitude, no boundary means a box of zeros."""
    draw = rng.random()
    left, top, bottom, right = line.place.box()
    geometry: Any = Outline(line.place, max(4, int(points * rng.choice(_SIZES))))
    if not points or draw < 0.03:
        geometry = None
    elif draw < 0.045:
        geometry = {"@sourceFormat": "DataObjectGeometry", "type": "MultiSurface", "coordinates": []}
    elif draw < 0.06:
        path = [[left, top], [right, bottom]]
        geometry = {"@sourceFormat": "DataObjectGeometry", "type": "LineString", "coordinates": path}
    known = points > 0 and draw >= 0.045
    return {
        "WSREQ_BOUNDSGEOM": geometry,
        "WSREQ_SKETCHLEFT": left if known else 0,
        "WSREQ_SKETCHTOP": top if known else 0,
        "WSREQ_SKETCHBOTM": bottom if known else 0,
        "WSREQ_SKETCHRITE": right if known else 0,
    }


def fixed() -> dict[str, Any]:
    """Return the columns that hold the same in every generated job."""
    return {
        "VEGJOB_SERVCOMP": "Distribution",
        "VEGJOB_OPCO": "EXU",
        "SS_READONLY": False,
        "SS_ITEMTYPELIST": "UNIT",
        "VEGJOB_COSTMETHOD": "UC",
        "WSREQ_READONLY": False,
        "WSREQ_SYNCHSTATE": False,
        "WSREQ_COORDSYS": "GPS Latitude/Longitude",
        "WSREQ_ESTMINS": 0,
        "WSREQ_MINSLEFT": 0,
        "WSREQ_TRAVELMINS": 0,
    }
