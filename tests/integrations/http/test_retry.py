from collections.abc import Callable, Iterator
from typing import Any

import pytest

from integrations.http.errors import (
    Action,
    BadReply,
    ConnectionFailed,
    IntegrationError,
    ProtocolError,
    RateLimited,
    ServerError,
    TimedOut,
    Unauthorized,
)
from integrations.http.retry import RetryOn, RetryPolicy

ALL = RetryOn.CONNECTION | RetryOn.TIMEOUT | RetryOn.BAD_REPLY


class Attempts:
    """A call that fails with each given error in turn and then succeeds."""

    def __init__(self, *errors: Exception) -> None:
        self.count = 0
        self._errors: Iterator[Exception] = iter(errors)

    def __call__(self, attempt: int) -> str:
        self.count += 1
        assert attempt == self.count
        for error in self._errors:
            raise error
        return "done"


@pytest.fixture
def waits() -> list[float]:
    return []


@pytest.fixture
def run(waits: list[float]) -> Callable[..., str]:
    def run_policy(policy: RetryPolicy, call: Attempts, *, idempotent: bool = True, **options: Any) -> str:
        return policy.run(call, sleep=waits.append, idempotent=idempotent, **options)

    return run_policy


def test_waits_double_up_to_the_cap(run: Callable[..., str], waits: list[float]) -> None:
    call = Attempts(*[ConnectionFailed() for _ in range(6)])
    assert run(RetryPolicy(attempts=7, wait_max=12.0, jitter=0), call) == "done"
    assert waits == [1.0, 2.0, 4.0, 8.0, 12.0, 12.0]


def test_the_last_error_is_raised_when_the_attempts_are_used_up(
    run: Callable[..., str], waits: list[float]
) -> None:
    call = Attempts(ConnectionFailed("one"), ConnectionFailed("two"), ConnectionFailed("three"))
    with pytest.raises(ConnectionFailed, match="three"):
        run(RetryPolicy(jitter=0), call)
    assert (call.count, waits) == (3, [1.0, 2.0])


def test_jitter_adds_up_to_its_seconds(
    run: Callable[..., str], waits: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("random.random", lambda: 1.0)
    run(RetryPolicy(jitter=0.7), Attempts(ConnectionFailed(), ConnectionFailed()))
    assert waits == [1.7, 2.7]


@pytest.mark.parametrize(("drawn", "expected"), [(0.0, [0.0, 0.0, 0.0]), (0.5, [0.5, 1.0, 1.5])])
def test_full_jitter_waits_a_random_part_of_each_wait(
    run: Callable[..., str],
    waits: list[float],
    monkeypatch: pytest.MonkeyPatch,
    drawn: float,
    expected: list[float],
) -> None:
    monkeypatch.setattr("random.random", lambda: drawn)
    call = Attempts(ConnectionFailed(), ConnectionFailed(), ConnectionFailed())
    run(RetryPolicy(attempts=4, wait_max=3.0, full_jitter=True), call)
    assert waits == expected


@pytest.mark.parametrize("status", [502, 503, 504])
def test_by_default_gateway_failures_are_retried(run: Callable[..., str], status: int) -> None:
    assert run(RetryPolicy(jitter=0), Attempts(ServerError(status=status))) == "done"


@pytest.mark.parametrize(
    "error",
    [
        ServerError(status=500),
        TimedOut(),
        BadReply(),
        Unauthorized(status=401),
        ProtocolError(),
        RateLimited(status=429),
        KeyError("a bug"),
    ],
)
def test_by_default_nothing_else_is_retried(run: Callable[..., str], error: Exception) -> None:
    call = Attempts(error)
    with pytest.raises(type(error)):
        run(RetryPolicy(jitter=0), call)
    assert call.count == 1


@pytest.mark.parametrize(
    ("flag", "error"),
    [
        (RetryOn.CONNECTION, ConnectionFailed()),
        (RetryOn.TIMEOUT, TimedOut()),
        (RetryOn.TIMEOUT, TimedOut(status=408)),
        (RetryOn.BAD_REPLY, BadReply()),
    ],
)
def test_each_flag_retries_its_kind_and_no_other(
    run: Callable[..., str], flag: RetryOn, error: IntegrationError
) -> None:
    assert run(RetryPolicy(jitter=0, retry_exceptions=flag), Attempts(error)) == "done"
    with pytest.raises(type(error)):
        run(RetryPolicy(jitter=0, retry_exceptions=ALL & ~flag), Attempts(error))


def test_a_bad_reply_that_says_stop_is_not_retried(run: Callable[..., str]) -> None:
    call = Attempts(BadReply("redirected", action=Action.STOP))
    with pytest.raises(BadReply):
        run(RetryPolicy(jitter=0, retry_exceptions=ALL), call)
    assert call.count == 1


def test_a_rate_limit_error_that_says_stop_is_not_retried(run: Callable[..., str]) -> None:
    call = Attempts(RateLimited("quota", status=429, retry_after=1.0, action=Action.STOP))
    with pytest.raises(RateLimited):
        run(RetryPolicy(jitter=0), call)
    assert call.count == 1


def test_declared_statuses_replace_the_default_ones(run: Callable[..., str], waits: list[float]) -> None:
    policy = RetryPolicy(attempts=5, jitter=0, retry_statuses=frozenset({429, 500}))
    assert run(policy, Attempts(RateLimited(status=429), ServerError(status=500))) == "done"
    assert waits == [1.0, 2.0]
    with pytest.raises(ServerError):
        run(policy, Attempts(ServerError(status=503)))


@pytest.mark.parametrize(
    "error", [RateLimited(status=429, retry_after=10.0), ServerError(status=503, retry_after=10.0)]
)
def test_a_short_retry_after_is_waited_in_place(
    run: Callable[..., str], waits: list[float], error: IntegrationError
) -> None:
    assert run(RetryPolicy(jitter=0), Attempts(error)) == "done"
    assert waits == [10.0]


@pytest.mark.parametrize("kind", [RateLimited, ServerError])
def test_a_long_retry_after_postpones_at_once(
    run: Callable[..., str], waits: list[float], kind: type[IntegrationError]
) -> None:
    call = Attempts(kind(status=503, retry_after=10.1))
    with pytest.raises(kind) as caught:
        run(RetryPolicy(jitter=0), call)
    assert (caught.value.action, caught.value.retry_after) == (Action.POSTPONE, 10.1)
    assert (call.count, waits) == (1, [])


def test_a_retry_after_of_zero_is_obeyed(run: Callable[..., str], waits: list[float]) -> None:
    run(RetryPolicy(jitter=0), Attempts(RateLimited(status=429, retry_after=0.0)))
    assert waits == [0.0]


def test_what_is_not_idempotent_is_sent_once(run: Callable[..., str], waits: list[float]) -> None:
    for error in (ConnectionFailed(), ServerError(status=503), RateLimited(status=429, retry_after=1.0)):
        call = Attempts(error)
        with pytest.raises(type(error)):
            run(RetryPolicy(jitter=0, retry_exceptions=ALL), call, idempotent=False)
        assert call.count == 1
    assert waits == []


def test_a_long_retry_after_postpones_what_is_not_idempotent_too(run: Callable[..., str]) -> None:
    with pytest.raises(ServerError) as caught:
        run(RetryPolicy(), Attempts(ServerError(status=503, retry_after=60.0)), idempotent=False)
    assert caught.value.action is Action.POSTPONE


def test_no_wait_begins_that_would_end_after_the_total_time(
    run: Callable[..., str], waits: list[float]
) -> None:
    call = Attempts(ConnectionFailed(), ConnectionFailed(), ConnectionFailed())
    with pytest.raises(ConnectionFailed):
        run(RetryPolicy(attempts=5, jitter=0), call, total_timeout=1.5)
    assert (call.count, waits) == (2, [1.0])
