"""What calls wait for: a budget of a vendor's limits, or pauses where it asks for gentleness."""

import threading
import time
from collections.abc import Callable, Mapping
from typing import Protocol

from integrations.http.deadline import Deadline


class CallBudget(Protocol):
    """The calls that a vendor's limits leave; `integrations/http/limits` has the one for production."""

    def acquire(self, cost: int = 1, *, patience: float = ..., deadline: Deadline | None = None) -> None:
        """Return when a call of this cost may be made. Raises BudgetSpent when that takes too long."""

    def observe(self, status: int, headers: Mapping[str, str]) -> None:
        """Hear what a reply says of the limits."""


class Pacer:
    """Lets `calls` calls through, then pauses `pause_seconds` before the next one, and so on.

    No pause follows the last call when no further one comes. Threads that share a pacer are paced together.
    """

    def __init__(
        self, calls: int = 5, pause_seconds: float = 0.5, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        """Raises ValueError when `calls` is not positive or `pause_seconds` is negative."""
        if calls < 1 or pause_seconds < 0:
            raise ValueError("a pacer needs at least one call between pauses and no negative pause")
        self._calls = calls
        self._pause_seconds = pause_seconds
        self._sleep = sleep
        self._since_pause = 0
        self._lock = threading.Lock()

    def wait(self) -> None:
        """Call before each request; returns when it may be sent. Others wait while one thread pauses."""
        with self._lock:
            if self._since_pause == self._calls:
                self._sleep(self._pause_seconds)
                self._since_pause = 0
            self._since_pause += 1
