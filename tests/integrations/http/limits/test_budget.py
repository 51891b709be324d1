from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from integrations.http.deadline import Deadline
from integrations.http.errors import Action, BudgetSpent
from integrations.http.limits import Budget, Limits, Window
from integrations.models import RateBudget

pytestmark = pytest.mark.django_db

NOW = 1_800_000_000.0


class Time:
    """A clock that only sleeping moves."""

    def __init__(self) -> None:
        self.now = NOW
        self.slept: list[float] = []

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def new_budget(time: Time) -> Callable[..., Budget]:
    """Budgets of one limit: each call is another process, as far as the database can tell."""

    def new(*windows: Window, **options: Any) -> Budget:
        limits = Limits("acme", "tenant 1", windows, **options)
        return Budget(limits, sleep=time.sleep, clock=time)

    return new


def test_lets_as_many_calls_through_as_the_window_takes_and_then_postpones(
    new_budget: Callable[..., Budget], time: Time
) -> None:
    budget = new_budget(Window(5, 600))
    for _ in range(5):
        budget.acquire()
    with pytest.raises(BudgetSpent) as caught:
        budget.acquire()
    assert caught.value.action is Action.POSTPONE
    assert caught.value.retry_after == pytest.approx(600, abs=31)
    assert "tenant 1: 5 calls in 600 s are used up" in str(caught.value)
    assert time.slept == []


def test_waits_in_place_where_the_wait_is_short(new_budget: Callable[..., Budget], time: Time) -> None:
    budget = new_budget(Window(5, 4))
    for _ in range(20):
        budget.acquire()
    assert 12 < time.now - NOW < 24
    assert max(time.slept) <= 10


def test_waits_longer_for_who_has_patience(new_budget: Callable[..., Budget], time: Time) -> None:
    budget = new_budget(Window(1, 60))
    budget.acquire()
    with pytest.raises(BudgetSpent):
        budget.acquire(patience=10)
    budget.acquire(patience=100)
    assert 60 <= time.now - NOW <= 70


def test_never_waits_beyond_the_deadline_of_the_call(new_budget: Callable[..., Budget], time: Time) -> None:
    budget = new_budget(Window(1, 5))
    budget.acquire()
    with pytest.raises(BudgetSpent):
        budget.acquire(deadline=Deadline(2))
    assert time.slept == []


def test_all_windows_hold_at_once(new_budget: Callable[..., Budget], time: Time) -> None:
    budget = new_budget(Window(10, 1), Window(25, 3600))
    for _ in range(25):
        budget.acquire()
    assert time.now - NOW < 10
    with pytest.raises(BudgetSpent, match="25 calls in 3600 s"):
        budget.acquire()


def test_two_processes_share_one_limit(new_budget: Callable[..., Budget]) -> None:
    one, other = new_budget(Window(10, 600)), new_budget(Window(10, 600))
    for _ in range(5):
        one.acquire()
        other.acquire()
    for budget in (one, other):
        with pytest.raises(BudgetSpent):
            budget.acquire()


def test_other_scopes_are_other_limits(new_budget: Callable[..., Budget], time: Time) -> None:
    new_budget(Window(1, 600)).acquire()
    Budget(Limits("acme", "tenant 2", (Window(1, 600),)), clock=time).acquire()
    Budget(Limits("other", "tenant 1", (Window(1, 600),)), clock=time).acquire()


def test_a_call_may_cost_more_than_one(new_budget: Callable[..., Budget]) -> None:
    budget = new_budget(Window(10, 600))
    budget.acquire(cost=7)
    budget.acquire(cost=3)
    with pytest.raises(BudgetSpent):
        budget.acquire()


def test_a_call_that_costs_more_than_the_limit_waits_for_an_empty_window(
    new_budget: Callable[..., Budget], time: Time
) -> None:
    budget = new_budget(Window(2, 5))
    budget.acquire()
    budget.acquire(cost=5)
    assert time.now - NOW >= 5


def test_fast_calls_are_reserved_in_batches(new_budget: Callable[..., Budget]) -> None:
    budget = new_budget(Window(50_000, 60), Window(2_000_000, 3600))
    with CaptureQueriesContext(connection) as queries:
        for _ in range(500):
            budget.acquire()
    assert len(queries) < 80


def test_what_a_batch_left_over_is_given_back(new_budget: Callable[..., Budget], time: Time) -> None:
    fast, slow = new_budget(Window(100, 60)), new_budget(Window(100, 60))
    for _ in range(40):
        fast.acquire()
    time.now += 10
    fast.acquire()  # holds ten at most; those of the last batch that were not used are free again
    for _ in range(50):
        slow.acquire(patience=0)


def test_slow_calls_reserve_one_at_a_time(new_budget: Callable[..., Budget], time: Time) -> None:
    budget = new_budget(Window(1000, 60))
    for _ in range(20):
        budget.acquire()
    for _ in range(15):
        time.now += 7
        budget.acquire()
    row = RateBudget.objects.get()
    assert max(row.reserved.values()) == 1


def test_a_refusal_stops_everybody_for_as_long_as_the_vendor_says(new_budget: Callable[..., Budget]) -> None:
    one, other = new_budget(Window(100, 60)), new_budget(Window(100, 60))
    other.acquire()
    one.acquire()
    one.observe(429, {"Retry-After": "120"})
    for budget in (one, other):
        with pytest.raises(BudgetSpent, match="the vendor answered 429") as caught:
            budget.acquire()
        assert caught.value.retry_after == pytest.approx(120)
    row = RateBudget.objects.get()
    assert row.blocked_until is not None
    assert row.blocked_until.timestamp() == NOW + 120


def test_a_shorter_refusal_does_not_shorten_a_longer_one(new_budget: Callable[..., Budget]) -> None:
    budget = new_budget(Window(100, 60))
    budget.observe(429, {"Retry-After": "120"})
    budget.observe(429, {"Retry-After": "1"})
    with pytest.raises(BudgetSpent) as caught:
        budget.acquire()
    assert caught.value.retry_after == pytest.approx(120)


def test_a_refusal_without_advice_pauses_a_moment(new_budget: Callable[..., Budget], time: Time) -> None:
    budget = new_budget(Window(100, 60))
    budget.observe(429, {})
    budget.acquire()
    assert 1 <= time.now - NOW < 2


def test_stated_limits_replace_declared_ones_by_their_share(
    new_budget: Callable[..., Budget], settings: Any
) -> None:
    settings.RATE_LIMIT_SHARE = 0.8
    budget = new_budget(Window(100, 60), Window(1000, 3600))
    budget.acquire()
    budget.observe(200, {"RateLimit-Limit": "10, 10;w=60, 9000;w=3600"})
    for _ in range(7):
        budget.acquire()
    with pytest.raises(BudgetSpent, match="8 calls in 60 s"):
        budget.acquire()
    assert {row.window_seconds: row.limit for row in RateBudget.objects.all()} == {60: 8, 3600: 7200}


def test_what_the_vendor_says_is_left_counts_too(new_budget: Callable[..., Budget], time: Time) -> None:
    budget = new_budget(Window(100, 60))
    budget.acquire()
    budget.observe(200, {"RateLimit-Remaining": "2", "RateLimit-Reset": "30"})
    budget.acquire()
    budget.acquire()
    with pytest.raises(BudgetSpent, match="the vendor says that 0 calls are left") as caught:
        budget.acquire()
    assert caught.value.retry_after == pytest.approx(30)
    time.now += 30
    budget.acquire()


def test_nothing_left_stops_everybody_until_the_reset(new_budget: Callable[..., Budget]) -> None:
    budget = new_budget(Window(100, 60))
    budget.observe(200, {"RateLimit-Remaining": "0", "RateLimit-Reset": "30"})
    with pytest.raises(BudgetSpent, match="no call is left"):
        new_budget(Window(100, 60)).acquire()


def test_statements_can_be_ignored(new_budget: Callable[..., Budget]) -> None:
    budget = new_budget(Window(100, 60), obey_stated=False)
    budget.observe(200, {"RateLimit-Limit": "1, 1;w=60", "RateLimit-Remaining": "0", "RateLimit-Reset": "9"})
    budget.acquire()
    budget.acquire()
    assert RateBudget.objects.get().limit == 100


def test_a_changed_declaration_counts_at_once(new_budget: Callable[..., Budget]) -> None:
    for _ in range(2):
        new_budget(Window(2, 600)).acquire()
    new_budget(Window(3, 600)).acquire()
    with pytest.raises(BudgetSpent):
        new_budget(Window(3, 600)).acquire()
