"""Workouts of both shapes (v2, and v1 of older apps) to events: docs/apple-health.md, "Workouts"."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from decimal import Decimal
from typing import Any, NamedTuple

from integrations.http.errors import RecordError
from integrations.providers.apple_health import route
from integrations.providers.apple_health.envelope import UNREADABLE
from integrations.providers.apple_health.metrics import ACTOR, DOMAIN
from integrations.providers.apple_health.moments import Moment, parse_moment
from integrations.providers.apple_health.values import (
    Json,
    Quantity,
    first_number,
    optional_number,
    quantity,
    text,
)
from integrations.sync.activity.drafts import NO_MEASURE, BlockDraft, EventDraft, ObjectDraft, measure

QUANTITIES = (
    *("distance", "avgSpeed", "maxSpeed", "speed", "elevationUp", "elevationDown", "stepCadence"),
    *("flightsClimbed", "lapLength", "swimCadence", "totalSwimmingStrokeCount", "temperature", "humidity"),
    *("intensity", "totalEnergy", "stepCount"),
)


class HeartRate(NamedTuple):
    """Of a whole workout; what is not known is None."""

    least: Decimal | None
    average: Decimal | None
    most: Decimal | None
    unit: str


class Workout:
    """One workout, its shape left behind. Raises RecordError when it has no usable start or end."""

    def __init__(self, raw: Json) -> None:
        if UNREADABLE in raw:
            raise RecordError("the workout is not an object", code="wrong_type")
        self.raw = raw
        self.start: Moment = parse_moment(raw.get("start"), "start")
        self.end: Moment = parse_moment(raw.get("end"), "end")
        self.name = text(raw.get("name")) or "Workout"
        self.key = key_of(raw) or _derived_key(self.start, self.end, self.name)

    @property
    def seconds(self) -> Decimal:
        """How long it lasted: as the phone says, else between the two instants."""
        told = optional_number(self.raw.get("duration"))
        return told if told is not None else Decimal(str((self.end.at - self.start.at).total_seconds()))

    @property
    def energy(self) -> Quantity | None:
        """Active energy: an object of its own in v2, where `activeEnergy` is a series."""
        return quantity(self.raw.get("activeEnergyBurned")) or quantity(self.raw.get("activeEnergy"))

    @property
    def location(self) -> str:
        """Indoor, outdoor, pool, open water; empty when it is not said."""
        told = text(self.raw.get("location"))
        indoor = self.raw.get("isIndoor")
        return told or ({True: "Indoor", False: "Outdoor"}[indoor] if isinstance(indoor, bool) else "")

    @property
    def heart_rate(self) -> HeartRate | None:
        """As the phone sums it up, else over the series of points."""
        summary = self.raw.get("heartRate")
        known = summary if isinstance(summary, dict) else {}
        least, average, most = (quantity(known.get(name)) for name in ("min", "avg", "max"))
        average = average or quantity(self.raw.get("avgHeartRate"))
        most = most or quantity(self.raw.get("maxHeartRate"))
        unit = next((each.unit for each in (average, most, least) if each and each.unit), "bpm")
        if least or average or most:
            return HeartRate(_number(least), _number(average), _number(most), unit)
        return _over_points(self.raw.get("heartRateData"), unit)

    @property
    def quantities(self) -> dict[str, Quantity]:
        """Every other total that it has, by the phone's name."""
        found = {name: quantity(self.raw.get(name)) for name in QUANTITIES}
        elevation = self.raw.get("elevation")
        if isinstance(elevation, dict):
            for name, member in (("elevationUp", "ascent"), ("elevationDown", "descent")):
                found[name] = found[name] or quantity(
                    {"qty": elevation.get(member), "units": elevation.get("units")}
                )
        return {name: value for name, value in found.items() if value is not None}


def key_of(raw: Json) -> str:
    """The workout's own id, upper-cased; empty for one without."""
    return text(raw.get("id")).upper()


def map_workout(raw: Json) -> EventDraft:
    """One workout as an event. Raises RecordError."""
    workout = Workout(raw)
    energy, line = workout.energy, route.points(raw.get("route"))
    summary = _summary(workout)
    return EventDraft(
        source_id=f"apple_workout_{workout.key}",
        time=workout.start.at,
        domain=DOMAIN,
        action="completed_workout",
        actor=ACTOR,
        target=ObjectDraft(
            "workout",
            "apple_workout",
            workout.name,
            external_id=workout.key,
            time=workout.start.at,
            metadata=summary,
        ),
        measure=measure(energy.number) if energy else NO_MEASURE,
        unit=energy.unit if energy else "",
        metadata=summary | _of_route(line) | {"tz_offset": workout.start.offset},
        blocks=(*_blocks(workout, summary), *_route_block(workout, line)),
    )


def _summary(workout: Workout) -> dict[str, Any]:
    heart_rate, energy = workout.heart_rate, workout.energy
    totals = workout.quantities | ({"activeEnergy": energy} if energy else {})
    said: dict[str, Any] = {
        "end": workout.end.at.isoformat(),
        "duration_seconds": float(workout.seconds),
        "location": workout.location,
        **{name: {"qty": float(each.number), "units": each.unit} for name, each in totals.items()},
    }
    if heart_rate:
        said["avg_heart_rate"] = float(heart_rate.average) if heart_rate.average is not None else None
        said["max_heart_rate"] = float(heart_rate.most) if heart_rate.most is not None else None
    return {name: value for name, value in said.items() if value not in ("", None)}


def _of_route(line: list[route.Point]) -> dict[str, Any]:
    if not line:
        return {}
    return {"route_point_count": len(line), "start_point": line[0][:2], "end_point": line[-1][:2]}


def _blocks(workout: Workout, summary: dict[str, Any]) -> Iterator[BlockDraft]:
    at = workout.start.at
    yield BlockDraft("summary", "Summary", at, metadata=summary)
    yield BlockDraft("duration", "Duration", at, measure=measure(workout.seconds), unit="s")
    named = {"energy": workout.energy, "distance": workout.quantities.get("distance")}
    named["intensity"] = workout.quantities.get("intensity")
    for kind, value in named.items():
        if value is not None:
            yield BlockDraft(kind, kind.capitalize(), at, measure=measure(value.number), unit=value.unit)
    rates = workout.heart_rate
    if rates is not None:
        for title, rate in (("Minimum", rates.least), ("Average", rates.average), ("Maximum", rates.most)):
            if rate is not None:
                yield BlockDraft("heart_rate", title, at, measure=measure(rate), unit=rates.unit)


def _route_block(workout: Workout, line: list[route.Point]) -> Iterator[BlockDraft]:
    if line:
        metadata = {"points": route.simplified(line), "point_count": len(line)}
        yield BlockDraft("route", "Route", workout.start.at, metadata=metadata)


def _over_points(series: Any, unit: str) -> HeartRate | None:
    """The least, the mean and the most of a series, each of whose points may itself be a range."""
    points = [point for point in series if isinstance(point, dict)] if isinstance(series, list) else []
    least = [each for point in points if (each := first_number(point, "Min", "qty", "Avg")) is not None]
    middle = [each for point in points if (each := first_number(point, "Avg", "qty")) is not None]
    most = [each for point in points if (each := first_number(point, "Max", "qty", "Avg")) is not None]
    if not middle:
        return None
    return HeartRate(min(least), sum(middle, Decimal(0)) / len(middle), max(most), unit)


def _number(value: Quantity | None) -> Decimal | None:
    return value.number if value else None


def _derived_key(start: Moment, end: Moment, name: str) -> str:
    """What stands for a missing id: the same workout sent again has the same."""
    said = f"{start.stamp}|{end.stamp}|{name}"
    return hashlib.sha256(said.encode("utf-8", "replace")).hexdigest()[:32]
