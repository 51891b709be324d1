"""The way that a workout took."""

from __future__ import annotations

from typing import Any

from integrations.providers.apple_health.values import Json, optional_number

MOST_POINTS = 500

Point = list[float]


def points(route: Any) -> list[Point]:
    """Latitude, longitude and, where known, altitude of each point; points that are none are left out."""
    found = (_point(each) for each in route if isinstance(each, dict)) if isinstance(route, list) else ()
    return [point for point in found if point is not None]


def simplified(line: list[Point]) -> list[Point]:
    """At most 500 points at even steps, the first and the last among them."""
    if len(line) <= MOST_POINTS:
        return line
    last = len(line) - 1
    return [line[round(step * last / (MOST_POINTS - 1))] for step in range(MOST_POINTS)]


def _point(raw: Json) -> Point | None:
    latitude = optional_number(raw.get("latitude", raw.get("lat")))
    longitude = optional_number(raw.get("longitude", raw.get("lon")))
    if latitude is None or longitude is None or abs(latitude) > 90 or abs(longitude) > 180:
        return None
    altitude = optional_number(raw.get("altitude"))
    return [float(each) for each in (latitude, longitude, altitude) if each is not None]
