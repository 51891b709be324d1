"""In-request retries: which failures are worth another try, how long to wait, when to postpone instead."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import Flag, auto
from typing import TypeVar

from tenacity import (
    RetryCallState,
    Retrying,
    retry_if_exception,
    stop_after_attempt,
    stop_before_delay,
    wait_exponential,
    wait_random,
)

from integrations.http.errors import (
    Action,
    BadReply,
    BudgetSpent,
    ConnectionFailed,
    IntegrationError,
    RateLimited,
    ServerError,
    TimedOut,
)
from integrations.http.retry_after import MAX_RETRY_AFTER

T = TypeVar("T")


class RetryOn(Flag):
    """Failures other than a status that a policy retries."""

    NOTHING = 0
    CONNECTION = auto()
    TIMEOUT = auto()
    BAD_REPLY = auto()


_FLAG_OF_KIND: tuple[tuple[type[IntegrationError], RetryOn], ...] = (
    (ConnectionFailed, RetryOn.CONNECTION),
    (TimedOut, RetryOn.TIMEOUT),
    (BadReply, RetryOn.BAD_REPLY),
)


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """A provider's declared policy for retries inside one call.

    `attempts` counts the first try too. The n-th wait is min(wait_multiplier * 2^(n-1), wait_max) seconds
    plus a random 0 to `jitter`, or with `full_jitter` a random part of them; a vendor's Retry-After replaces
    the exponential part. A Retry-After over `max_wait_in_place` seconds is never waited here: the error is
    raised at once with action postpone, its `retry_after` cut to `max_retry_after`. A 429 with a short
    Retry-After is retried whatever `retry_statuses`.
    """

    attempts: int = 3
    wait_multiplier: float = 1.0
    wait_max: float = 30.0
    jitter: float = 1.0
    full_jitter: bool = False
    retry_statuses: frozenset[int] = frozenset({502, 503, 504})
    retry_exceptions: RetryOn = RetryOn.CONNECTION
    max_wait_in_place: float = 10.0
    max_retry_after: float = MAX_RETRY_AFTER

    def run(
        self,
        call: Callable[[int], T],
        *,
        idempotent: bool,
        total_timeout: float | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> T:
        """The result of `call(attempt)`, `attempt` counting from 1, retried while the policy allows it.

        Nothing that is not `idempotent` is sent twice. No wait begins that would end after `total_timeout`
        seconds. Raises the last `IntegrationError`; other exceptions pass through untouched.
        """
        number = 0

        def attempt() -> T:
            nonlocal number
            number += 1
            try:
                return call(number)
            except IntegrationError as error:
                self._postpone_long_wait(error)
                raise

        stop = stop_after_attempt(self.attempts if idempotent else 1)
        retrying = Retrying(
            sleep=sleep,
            stop=stop if total_timeout is None else stop | stop_before_delay(total_timeout),
            wait=self._wait,
            retry=retry_if_exception(self.should_retry),
            reraise=True,
        )
        return retrying(attempt)

    def should_retry(self, error: BaseException) -> bool:
        """Whether this policy tries again after the error, attempts and idempotency aside."""
        if not isinstance(error, IntegrationError) or error.action in (Action.STOP, Action.SKIP_RECORD):
            return False
        if isinstance(error, BudgetSpent):
            return False
        if isinstance(error, RateLimited):
            waits_in_place = error.retry_after is not None and error.retry_after <= self.max_wait_in_place
            return waits_in_place or (error.retry_after is None and 429 in self.retry_statuses)
        if error.action is Action.POSTPONE:
            return False
        if error.status in self.retry_statuses:
            return True
        return any(isinstance(error, kind) and flag in self.retry_exceptions for kind, flag in _FLAG_OF_KIND)

    def _postpone_long_wait(self, error: IntegrationError) -> None:
        told = isinstance(error, (RateLimited, ServerError, TimedOut)) and error.retry_after is not None
        if told and error.retry_after > self.max_wait_in_place:  # type: ignore[operator]
            error.action = Action.POSTPONE

    def _wait(self, state: RetryCallState) -> float:
        error = state.outcome.exception() if state.outcome else None
        told = error.retry_after if isinstance(error, IntegrationError) else None
        if told is None:
            told = wait_exponential(multiplier=self.wait_multiplier, max=self.wait_max)(state)
            if self.full_jitter:
                return wait_random(0, told)(state)
        return told + (wait_random(0, self.jitter)(state) if self.jitter else 0.0)
