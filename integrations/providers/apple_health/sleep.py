"""Sleep, which comes in two shapes: a night with its stages, or one stretch of one stage."""

from __future__ import annotations

from decimal import Decimal
from typing import NamedTuple

from integrations.http.errors import RecordError
from integrations.providers.apple_health.moments import Moment, parse_day, parse_moment
from integrations.providers.apple_health.values import (
    Json,
    Reading,
    first_number,
    number,
    optional_number,
    source_hash,
    text,
)

METRIC = "sleep_analysis"
STAGES = (
    ("core", "Core", "core"),
    ("deep", "Deep", "deep"),
    ("rem", "REM", "rem"),
    ("awake", "Awake", "awake"),
    ("in_bed", "In bed", "inBed"),
    ("asleep", "Asleep", "asleep"),
)


class Identity(NamedTuple):
    """The id of a point's event, and when it happened."""

    source_id: str
    moment: Moment


def identify(point: Json) -> Identity:
    """A stretch is known by its ends, stage and device; a night by its day and the minute it began.

    One day may hold a night and a nap. Raises RecordError without usable dates.
    """
    if point.get("startDate") is not None:
        begin, end = (
            parse_moment(point["startDate"], "startDate"),
            parse_moment(point.get("endDate"), "endDate"),
        )
        stage = text(point.get("value")) or "Unspecified"
        return Identity(f"apple_sleepseg_{begin.stamp}_{end.stamp}_{stage}_{source_hash(point)}", begin)
    day = parse_day(point.get("date"), "date")
    began = point.get("sleepStart") or point.get("inBedStart")
    if began is None:
        return Identity(f"apple_sleep_{day}_unknown", parse_moment(point.get("date"), "date"))
    moment = parse_moment(began, "sleepStart")
    return Identity(f"apple_sleep_{day}_{moment.stamp}", moment)


def read(point: Json) -> Reading:
    """How long: of a stretch its length, of a night the first of its totals that is above zero."""
    if point.get("startDate") is not None:
        hours = number(point.get("qty"), "qty")
        return Reading(hours, (("stage", text(point.get("value")) or "Unspecified", hours),))
    phases = [optional_number(point.get(name)) for name in ("core", "deep", "rem")]
    known = [hours for hours in phases if hours is not None]
    totals = (
        first_number(point, "totalSleep"),
        first_number(point, "asleep"),
        sum(known, Decimal(0)) if known else None,
        first_number(point, "inBed"),
    )
    given = [total for total in totals if total is not None]
    if not given:
        raise RecordError("no length of sleep is a number", code="bad_number", field="totalSleep")
    stages = ((kind, title, optional_number(point.get(name))) for kind, title, name in STAGES)
    return Reading(
        next((total for total in given if total > 0), Decimal(0)),
        tuple((kind, title, hours) for kind, title, hours in stages if hours is not None and hours > 0),
    )
