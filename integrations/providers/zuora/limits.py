"""Zuora's rate limit headers, and pausing before a tenant's last calls are spent."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Self

from django.utils import timezone

from integrations.http.deadline import Deadline
from integrations.providers.zuora.errors import PROVIDER, ZuoraRateLimitError

LOW_SHARE = 0.05
LONGEST_PAUSE = 60.0
_NUMBER = re.compile(r"\s*(\d{1,15})(?:\.\d+)?\s*(?:$|[,;])")


@dataclass(frozen=True, slots=True)
class RateState:
    """What a reply said of the window nearest exhaustion; `reset_s` is seconds from then."""

    limit: int
    remaining: int
    reset_s: float | None

    @classmethod
    def read(cls, headers: Mapping[str, str]) -> Self | None:
        """The state that headers tell, whatever the case of their names; None when they tell none."""
        limit = _leading_number(headers.get("RateLimit-Limit"))
        remaining = _leading_number(headers.get("RateLimit-Remaining"))
        reset = _leading_number(headers.get("RateLimit-Reset"))
        if limit is None or remaining is None:
            return None
        return cls(limit, remaining, None if reset is None else float(reset))

    @property
    def is_low(self) -> bool:
        """Whether less than a twentieth is left."""
        return self.remaining < self.limit * LOW_SHARE

    @property
    def pause_s(self) -> float:
        """Seconds to pause before the next call."""
        return min(self.reset_s or 0.0, LONGEST_PAUSE) if self.is_low else 0.0


@dataclass(frozen=True, slots=True)
class LastSeen:
    """A state and when it was seen, as a customer's row keeps it."""

    state: RateState
    at: datetime

    @property
    def resets_at(self) -> datetime | None:
        """When the window begins anew."""
        return None if self.state.reset_s is None else self.at + timedelta(seconds=self.state.reset_s)


class Throttle:
    """The call budget of one tenant: holds calls back while less than a twentieth of its limit is left.

    Threads may share it. A job has its tenant to itself, so the state lives here and in the customer's row.
    """

    def __init__(self, sleep: Callable[[float], None] = time.sleep) -> None:
        self._sleep = sleep
        self._lock = threading.Lock()
        self._open_at = 0.0
        self.last_seen: LastSeen | None = None

    def observe(self, status: int, headers: Mapping[str, str]) -> None:
        """Read what a reply says of the limit."""
        state = RateState.read(headers)
        if state is None:
            return
        with self._lock:
            self.last_seen = LastSeen(state, timezone.now())
            self._open_at = time.monotonic() + state.pause_s

    def resume(self, limit: int | None, remaining: int | None, resets_at: datetime | None) -> None:
        """Take up what an earlier process saw of the same tenant."""
        if limit is None or remaining is None or resets_at is None:
            return
        left = (resets_at - timezone.now()).total_seconds()
        if left > 0:
            self._open_at = time.monotonic() + RateState(limit, remaining, left).pause_s

    def acquire(self, cost: int = 1, *, patience: float = 0.0, deadline: Deadline | None = None) -> None:
        """Return when a call may be made.

        Raises ZuoraRateLimitError, which puts a job off, when that takes over `patience` seconds or goes
        beyond the deadline.
        """
        with self._lock:
            pause = self._open_at - time.monotonic()
        if pause <= 0:
            return
        if pause > patience or (deadline is not None and pause > deadline.remaining()):
            raise ZuoraRateLimitError(
                "less than a twentieth of the tenant's calls is left", provider=PROVIDER, retry_after=pause
            )
        self._sleep(pause)


def _leading_number(value: str | None) -> int | None:
    match = _NUMBER.match(value or "")
    return int(match[1]) if match else None
