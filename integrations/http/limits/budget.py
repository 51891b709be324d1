"""A budget as a session uses it: one object a limit and process, which all threads share."""

from __future__ import annotations

import os
import random
import threading
import time
from collections.abc import Callable, Mapping

from integrations.http.deadline import Deadline
from integrations.http.errors import BudgetSpent
from integrations.http.limits import store
from integrations.http.limits.clock import database_clock
from integrations.http.limits.declared import Limits
from integrations.http.limits.headers import Stated, stated_limits
from integrations.http.limits.store import Grant, Wait

MAX_WAIT_IN_PLACE = 10.0
UNADVISED_BLOCK_SECONDS = 1.0
TOO_MANY_REQUESTS = 429
MAX_BATCH = 1024
TRIES = 3


class Budget:
    """Asks the database for calls, some at a time, and waits for them.

    A batch grows while it is used up in time, and what is not used is given back. `sleep` gets seconds;
    `clock` gives seconds since the epoch.
    """

    def __init__(
        self,
        limits: Limits,
        *,
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = database_clock,
    ) -> None:
        self.limits = limits
        self._sleep = sleep
        self._clock = clock
        self._lock = threading.Lock()
        self._grant = Grant(0, 0.0)
        self._wanted = 1
        self._asked_at = 0.0
        self._stated: Stated | None = None

    def acquire(
        self, cost: int = 1, *, patience: float = MAX_WAIT_IN_PLACE, deadline: Deadline | None = None
    ) -> None:
        """Return when a call of this cost may be made.

        Raises BudgetSpent, which postpones a job, when that would take over `patience` seconds or go beyond
        the deadline.
        """
        waited = 0.0
        while (wait := self._try(cost)) is not None:
            left = patience - waited
            if deadline is not None:
                left = min(left, deadline.remaining())
            if wait.seconds > left:
                raise BudgetSpent(
                    f"{self.limits.scope}: {wait.reason}; next call in {wait.seconds:.0f} s",
                    provider=self.limits.provider,
                    retry_after=wait.seconds,
                )
            pause = min(wait.seconds + random.uniform(0.0, 0.05 * wait.seconds), left)  # noqa: S311
            self._sleep(pause)
            waited += pause

    def observe(self, status: int, headers: Mapping[str, str]) -> None:
        """Take note of what a reply says; a refusal (429) stops everybody until the vendor's own time."""
        stated = stated_limits(headers, now=self._clock())
        if status == TOO_MANY_REQUESTS:
            seconds = stated.retry_after if stated.retry_after is not None else stated.reset
            self._stop(UNADVISED_BLOCK_SECONDS if seconds is None else seconds, "the vendor answered 429")
        elif stated.remaining == 0 and stated.reset and self.limits.obey_stated:
            self._stop(stated.reset, "the vendor says that no call is left")
        if stated and self.limits.obey_stated:
            with self._lock:
                self._stated = stated

    def _try(self, cost: int) -> Wait | None:
        """Take a call from what is held, else from the database; None when it may be made."""
        with self._lock:
            for _ in range(TRIES):
                if self._grant.cost >= cost and self._clock() <= self._grant.usable_until:
                    break
                answer = self._reserve(cost)
                if isinstance(answer, Wait):
                    self._grant = Grant(0, 0.0)
                    return answer
                self._grant = answer
            self._grant = Grant(self._grant.cost - cost, self._grant.usable_until)
            return None

    def _reserve(self, cost: int) -> Grant | Wait:
        """Hand back what is held and ask for a new batch."""
        self._adapt(self._clock())
        stated, self._stated = self._stated, None
        return store.reserve(
            self.limits,
            cost=cost,
            wanted=max(cost, self._wanted),
            clock=self._clock,
            unused=self._grant if self._grant.cost else None,
            stated=stated,
        )

    def _adapt(self, now: float) -> None:
        """Ask for more when calls follow each other fast, for less when some were not used in time."""
        if self._grant.cost:
            self._wanted = max(1, self._wanted - self._grant.cost)
        elif now - self._asked_at <= store.hold_seconds(self.limits):
            self._wanted = min(self._wanted * 2, MAX_BATCH)
        else:
            self._wanted = max(1, self._wanted // 2)
        self._asked_at = now

    def _stop(self, seconds: float, reason: str) -> None:
        with self._lock:
            if seconds > 0:
                store.block(self.limits, seconds, reason, self._clock())
            self._grant = Grant(0, 0.0)


_shared: dict[tuple[str, str], Budget] = {}
_shared_lock = threading.Lock()


def shared_budget(limits: Limits) -> Budget:
    """The budget of these limits in this process; clients of one vendor share what was reserved."""
    key = limits.provider, limits.scope
    with _shared_lock:
        found = _shared.get(key)
        if found is None or found.limits != limits:
            found = _shared[key] = Budget(limits)
        return found


def _forget() -> None:
    """A forked process has reserved nothing, and no thread of it holds a lock."""
    global _shared_lock
    _shared_lock = threading.Lock()
    _shared.clear()


os.register_at_fork(after_in_child=_forget)
