"""Values as the server writes them: dates, GUIDs, geometries."""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import cycle
from operator import add
from typing import Any

import orjson

NO_DATE = "/Date(1899-12-30)/"
ANCHOR = datetime(2026, 2, 12, 18, 0, tzinfo=UTC)
"""The newest edit in generated data; fixed, so that one seed always gives the same bytes."""

_UNITS = 10_000_000
_WIDTH = 200_000
_HEIGHT = 100_000
_SHAPES: dict[int, list[int]] = {}


def random_stream(seed: int | str) -> random.Random:
    """Return a source of numbers that is the same for the same seed, on every version of Python."""
    return random.Random(seed)  # noqa: S311 data, not secrets


def wire_date(day: date) -> str:
    """Write a date without a time."""
    return f"/Date({day.isoformat()})/"


def wire_instant(moment: datetime) -> str:
    """Write an instant in UTC with three millisecond digits."""
    return f"/Date({moment.astimezone(UTC).strftime('%Y-%m-%dT%H:%M:%S')}.{moment.microsecond // 1000:03d}Z)/"


def edited(minutes: float) -> str:
    """Write the instant so many minutes after the anchor."""
    return wire_instant(ANCHOR + timedelta(minutes=minutes))


def date_order(value: Any) -> str:
    """Return a text that sorts wire dates by time, everything else first."""
    if not isinstance(value, str) or not value.startswith("/Date("):
        return ""
    return value[6:].rstrip(")/").rstrip("Z")


def guid(rng: random.Random) -> str:
    """Draw an upper-case GUID in braces."""
    digits = f"{rng.getrandbits(128):032X}"
    return f"{{{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-A{digits[17:20]}-{digits[20:]}}}"


@dataclass(frozen=True, slots=True)
class Place:
    """The south-eastern corner of a boundary, split so that its digits can be written without arithmetic.

    Attributes:
        west: whole degrees of longitude, west of Greenwich.
        x: the rest in units of 1e-7 degrees, from 0.1 to 0.9 degrees.
        south: whole degrees of latitude.
        y: the rest in units of 1e-7 degrees, from 0.1 to 0.9 degrees.
    """

    west: int
    x: int
    south: int
    y: int

    def box(self) -> tuple[float, float, float, float]:
        """Return left, top, bottom and right; top is the smaller latitude."""
        top, bottom = self.south + self.y / _UNITS, self.south + (self.y + _HEIGHT) / _UNITS
        left, right = -self.west - (self.x + _WIDTH) / _UNITS, -self.west - self.x / _UNITS
        return round(left, 7), round(top, 7), round(bottom, 7), round(right, 7)


@dataclass(frozen=True, slots=True)
class Outline:
    """A polygon that is drawn only when a reply is encoded, so that a data set stays small.

    Attributes:
        place: where it lies.
        points: how many corners.
    """

    place: Place
    points: int

    def encode(self) -> bytes:
        """Return the polygon as JSON."""
        place = self.place
        values = tuple(map(add, _shape(self.points), cycle((place.x, place.y))))
        pairs = f"[-{place.west}.%d,{place.south}.%d]," * (len(values) // 2) % values
        text = f'{{"@sourceFormat":"DataObjectGeometry","type":"Polygon","coordinates":[[{pairs[:-1]}]]}}'
        return text.encode()


def _shape(points: int) -> list[int]:
    """Return a closed, jagged outline as alternating x and y offsets, shared by all polygons of that size."""
    if points not in _SHAPES:
        rng = random_stream(points)
        half = max(2, points // 2)
        lower = [(_WIDTH * i // half, rng.randint(0, _HEIGHT // 3)) for i in range(half)]
        upper = [(_WIDTH * (half - i) // half, _HEIGHT - rng.randint(0, _HEIGHT // 3)) for i in range(half)]
        corners = lower + upper
        _SHAPES[points] = [value for corner in (*corners, corners[0]) for value in corner]
    return _SHAPES[points]


def encode(data: Any) -> bytes:
    """Encode a reply; outlines are drawn on the way."""
    return orjson.dumps(data, default=_draw, option=orjson.OPT_PASSTHROUGH_DATACLASS)


def _draw(value: Any) -> orjson.Fragment:
    if isinstance(value, Outline):
        return orjson.Fragment(value.encode())
    raise TypeError(f"{type(value).__name__} has no wire form")
