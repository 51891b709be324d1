"""Faults: what can go wrong between a client and a vendor, and the queue that hands them out."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from integrations.sandbox.base import SandboxError, SandboxRequest

FOREVER = 0


class Param(NamedTuple):
    """A parameter of a fault kind: its default and the check that returns the clean value."""

    default: Any
    check: Callable[[str, Any], Any]


def _integer(low: int, high: int) -> Callable[[str, Any], int]:
    def check(name: str, value: Any) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            raise SandboxError(f"{name} must be a whole number from {low} to {high}, not {value!r}.")
        return value

    return check


def _number(low: float, high: float, *, below: bool = False) -> Callable[[str, Any], float]:
    def check(name: str, value: Any) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise SandboxError(f"{name} must be a number, not {value!r}.")
        if not low <= value <= high or (below and value == high):
            raise SandboxError(
                f"{name} must be from {low} to {'below ' if below else ''}{high}, not {value!r}."
            )
        return float(value)

    return check


def _text(name: str, value: Any) -> str:
    if not isinstance(value, str):
        raise SandboxError(f"{name} must be text, not {value!r}.")
    return value


def _boolean(name: str, value: Any) -> bool:
    if not isinstance(value, bool):
        raise SandboxError(f"{name} must be true or false, not {value!r}.")
    return value


def _anything(name: str, value: Any) -> Any:
    return value


def _headers(name: str, value: Any) -> dict[str, str]:
    if not isinstance(value, dict):
        raise SandboxError(f"{name} must be an object of header names and values, not {value!r}.")
    clean = {str(key): str(item) for key, item in value.items()}
    for text in (*clean, *clean.values()):
        if not text.isascii() or "\r" in text or "\n" in text:
            raise SandboxError(f"{name} may hold ASCII text on one line only, not {text!r}.")
    return clean


KINDS: Mapping[str, Mapping[str, Param]] = {
    "status": {
        "status": Param(500, _integer(200, 599)),
        "body": Param(None, _anything),
        "headers": Param({}, _headers),
    },
    "latency": {"seconds": Param(1.0, _number(0, 3600))},
    "truncated": {"share": Param(0.5, _number(0, 1, below=True))},
    "reset": {"at": Param(0.0, _number(0, 1, below=True))},
    "slow_drip": {
        "bytes_per_second": Param(None, _number(0.1, 1e9)),
        "chunk": Param(1024, _integer(1, 1 << 24)),
        "interval": Param(0.05, _number(0, 60)),
    },
    "wrong_types": {"rows": Param(0, _integer(0, 1_000_000)), "envelope": Param(False, _boolean)},
    "not_json": {"body": Param("<html><body><h1>Scheduled maintenance</h1></body></html>", _text)},
    "hang": {},
    "error_200": {"message": Param("The sandbox was told to fail.", _text)},
}
COMMON = ("kind", "times", "after", "match")


@dataclass(slots=True)
class Fault:
    """A fault waiting in the queue; ``times`` 0 means until it is deleted."""

    number: int
    kind: str
    times: int = 1
    after: int = 0
    path: str = ""
    contains: str = ""
    params: dict[str, Any] = field(default_factory=dict)
    skipped: int = 0
    applied: int = 0

    def matches(self, request: SandboxRequest) -> bool:
        """Tell whether the request's path and body hold what the fault asks for."""
        return self.path.lower() in request.path.lower() and self.contains.encode() in request.body

    def as_dict(self) -> dict[str, Any]:
        """Return the fault as the control API shows it."""
        return {
            "id": self.number,
            "kind": self.kind,
            "times": self.times or "forever",
            "remaining": self.times - self.applied if self.times else "forever",
            "applied": self.applied,
            "after": self.after,
            "skipped": self.skipped,
            "match": {"path": self.path, "contains": self.contains},
            **self.params,
        }


def parse_fault(spec: Any, number: int = 0) -> Fault:
    """Check one fault as received and return it; raises SandboxError naming what is valid."""
    if not isinstance(spec, dict):
        raise SandboxError(f"A fault must be a JSON object, not {spec!r}.", kinds=sorted(KINDS))
    kind = spec.get("kind")
    if not isinstance(kind, str) or kind not in KINDS:
        raise SandboxError(
            f"Unknown fault kind {kind!r}. Valid kinds: {', '.join(sorted(KINDS))}.", kinds=sorted(KINDS)
        )
    known = KINDS[kind]
    unknown = sorted(set(spec) - set(COMMON) - set(known))
    if unknown:
        fields = ", ".join((*COMMON, *known))
        raise SandboxError(
            f"Unknown field {unknown[0]!r} for the fault kind {kind!r}. Valid fields: {fields}."
        )
    times = spec.get("times", 1)
    path, contains = _parse_match(spec.get("match", {}))
    params = {
        name: param.check(name, spec[name]) if spec.get(name) is not None else param.default
        for name, param in known.items()
    }
    return Fault(
        number=number,
        kind=kind,
        times=FOREVER if times == "forever" else _integer(0, 1_000_000)("times", times),
        after=_integer(0, 1_000_000)("after", spec.get("after", 0)),
        path=path,
        contains=contains,
        params=params,
    )


def _parse_match(match: Any) -> tuple[str, str]:
    if not isinstance(match, dict) or set(match) - {"path", "contains"}:
        raise SandboxError(f"match must be an object with path and contains, not {match!r}.")
    return _text("match.path", match.get("path", "")), _text("match.contains", match.get("contains", ""))


class FaultQueue:
    """The faults of one provider, handed out in order and exactly as often as asked, to many threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._faults: list[Fault] = []
        self._applied: Counter[str] = Counter()
        self._next = 1

    def add(self, specs: Any) -> list[dict[str, Any]]:
        """Queue one fault or a list of faults, all or none; raises SandboxError."""
        parsed = [parse_fault(spec) for spec in (specs if isinstance(specs, list) else [specs])]
        with self._lock:
            for fault in parsed:
                fault.number = self._next
                self._next += 1
            self._faults.extend(parsed)
            return [fault.as_dict() for fault in parsed]

    def take(self, request: SandboxRequest) -> Fault | None:
        """Return the fault for a request: the first that matches it and has skipped enough.

        Every matching request counts for ``after``, also one that an earlier fault takes.
        """
        taken: Fault | None = None
        with self._lock:
            for fault in self._faults:
                if not fault.matches(request):
                    continue
                if fault.skipped < fault.after:
                    fault.skipped += 1
                elif taken is None:
                    taken = fault
            if taken is not None:
                taken.applied += 1
                self._applied[taken.kind] += 1
                if taken.times and taken.applied >= taken.times:
                    self._faults.remove(taken)
        return taken

    def remove(self, number: int) -> bool:
        """Delete one fault; False when it is not in the queue."""
        with self._lock:
            kept = [fault for fault in self._faults if fault.number != number]
            found = len(kept) < len(self._faults)
            self._faults = kept
            return found

    def clear(self, *, forget: bool = False) -> int:
        """Delete all faults and return how many; ``forget`` also sets the applied counts to zero."""
        with self._lock:
            deleted = len(self._faults)
            self._faults = []
            if forget:
                self._applied.clear()
            return deleted

    def snapshot(self) -> dict[str, Any]:
        """Return the waiting ``faults`` in order and how often each kind was ``applied`` since the reset."""
        with self._lock:
            return {
                "faults": [fault.as_dict() for fault in self._faults],
                "applied": dict(sorted(self._applied.items())),
            }
