"""The body of a delivery or an export file, taken apart without decoding all of it at once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from mmap import mmap
from typing import Any

import msgspec

METRICS, WORKOUTS = "metrics", "workouts"
MAPPED = (METRICS, WORKOUTS)
UNREADABLE = "unreadable"

Members = dict[str, msgspec.Raw]
_members = msgspec.json.Decoder(Members)
_parts = msgspec.json.Decoder(list[msgspec.Raw])


class NotAnExport(ValueError):
    """The document is not what Health Auto Export sends; the text says why."""


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric's name and unit, and its points."""

    name: str
    units: str
    points: list[msgspec.Raw] = field(repr=False)


class Export:
    """The arrays of a document, still as the bytes they came in; only what is asked for is decoded.

    Accepts `{"data": {...}}`, `{"payload": {"data": {...}}}` and the arrays alone. Raises NotAnExport.
    """

    def __init__(self, body: bytes | mmap) -> None:
        members = _object(body, "the document")
        if "payload" in members:
            members = _object(members["payload"], "payload")
        if "data" in members:
            members = _object(members["data"], "data")
        self._arrays = {name: _array(raw, name) for name, raw in members.items() if _is_array(raw)}

    @property
    def counts(self) -> Mapping[str, int]:
        """How many elements each array has that has any."""
        return {name: len(parts) for name, parts in self._arrays.items() if parts}

    def metrics(self) -> Iterator[Metric]:
        """Each metric with a name, known or not; one whose data is null has no points."""
        for part in self._arrays.get(METRICS, ()):
            members = _object(part, "a metric")
            name = _text(members.get("name"))
            data = members.get("data")
            points = _array(data, "a metric's data") if data is not None and _is_array(data) else []
            yield Metric(name, _text(members.get("units")), points)

    def workouts(self) -> list[msgspec.Raw]:
        """The workouts, each on its own."""
        return self._arrays.get(WORKOUTS, [])


def item(raw: msgspec.Raw) -> dict[str, Any]:
    """One point or workout. What is no object is wrapped, so that it is refused on its own."""
    try:
        value = msgspec.json.decode(raw)
    except (msgspec.DecodeError, UnicodeError, RecursionError, ValueError):
        value = bytes(raw).decode("utf-8", "replace")[:500]
    return value if isinstance(value, dict) else {UNREADABLE: value}


def _object(raw: bytes | mmap | msgspec.Raw, what: str) -> Members:
    try:
        return _members.decode(raw)
    except msgspec.ValidationError:
        raise NotAnExport(f"{what} is not an object") from None
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise NotAnExport(f"{what} is not JSON: {error}") from None


def _array(raw: msgspec.Raw, what: str) -> list[msgspec.Raw]:
    try:
        return _parts.decode(raw)
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise NotAnExport(f"{what} cannot be read: {error}") from None


def _is_array(raw: msgspec.Raw) -> bool:
    return bytes(memoryview(raw)[:1]) == b"["


def _text(raw: msgspec.Raw | None) -> str:
    try:
        value = msgspec.json.decode(raw) if raw is not None else ""
    except (msgspec.DecodeError, UnicodeError):
        return ""
    return value if isinstance(value, str) else ""
