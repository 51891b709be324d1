"""The journal of a sandbox: which calls came, what was answered, how many at once."""

from __future__ import annotations

import threading
import time
from collections import deque
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any

MAX_ENTRIES = 20_000


@dataclass(slots=True)
class JournalEntry:
    """One call of the simulated API.

    Attributes:
        number: position since the last reset, from 1.
        at: when it arrived, ISO 8601 in UTC.
        summary: what the provider read in it, for example protocol and filter value.
        auth: ``none``, ``missing``, ``malformed``, ``invalid`` or ``valid``.
        status: status sent, None when no status line left the server.
        fault: kind of the fault applied.
        outcome: ``open`` while in flight, then ``sent``, ``truncated``, ``reset``, ``hung``, ``client_left``
            or ``stopped``.
        bytes: body bytes written.
    """

    number: int
    at: str
    method: str
    path: str
    summary: dict[str, Any]
    auth: str
    request_bytes: int
    status: int | None = None
    fault: str | None = None
    outcome: str = "open"
    duration_ms: float | None = None
    bytes: int = 0
    _started: float = field(default_factory=time.monotonic)

    def as_dict(self) -> dict[str, Any]:
        """Return the public fields."""
        return {key: value for key, value in asdict(self).items() if not key.startswith("_")}


class Journal:
    """A bounded, thread-safe list of calls with the number in flight and its peak."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._entries: deque[JournalEntry] = deque(maxlen=MAX_ENTRIES)
        self._total = 0
        self._in_flight = 0
        self._max_in_flight = 0

    def begin(
        self, method: str, path: str, *, summary: dict[str, Any], auth: str, request_bytes: int
    ) -> JournalEntry:
        """Record an arrival and count it as in flight."""
        with self._lock:
            self._total += 1
            self._in_flight += 1
            self._max_in_flight = max(self._max_in_flight, self._in_flight)
            at = datetime.now(UTC).isoformat(timespec="milliseconds")
            entry = JournalEntry(self._total, at, method, path, summary, auth, request_bytes)
            self._entries.append(entry)
            return entry

    def finish(self, entry: JournalEntry, status: int | None, sent: int, outcome: str) -> None:
        """Record how a call ended; a second time it corrects status, bytes and outcome only.

        Call it before the last bytes leave, so that a client which has its whole reply finds the journal
        complete and no longer counts as in flight.
        """
        with self._lock:
            if entry.outcome == "open":
                self._in_flight -= 1
                entry.duration_ms = round((time.monotonic() - entry._started) * 1000, 1)
            entry.status, entry.bytes, entry.outcome = status, sent, outcome

    def clear(self) -> None:
        """Forget all calls; the peak restarts from the calls in flight now."""
        with self._lock:
            self._entries.clear()
            self._total = 0
            self._max_in_flight = self._in_flight

    def counts(self) -> dict[str, int]:
        """Return ``requests`` since the last reset, ``in_flight`` and ``max_in_flight``."""
        with self._lock:
            return {
                "requests": self._total,
                "in_flight": self._in_flight,
                "max_in_flight": self._max_in_flight,
            }

    def snapshot(self, limit: int | None = None) -> dict[str, Any]:
        """Return the counts and the newest ``limit`` entries, oldest first."""
        with self._lock:
            entries = list(self._entries)
            chosen = entries if limit is None else entries[max(0, len(entries) - limit) :]
            rows = [entry.as_dict() for entry in chosen]
            return {
                "total": self._total,
                "in_flight": self._in_flight,
                "max_in_flight": self._max_in_flight,
                "entries": rows,
            }
