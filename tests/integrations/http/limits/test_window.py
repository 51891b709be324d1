import random

import pytest

from integrations.http.limits.declared import Limits, Window
from integrations.http.limits.window import SLOTS, Tally

NOW = 1_800_000_000.0


def test_counts_what_was_reserved_until_no_call_of_it_can_lie_in_the_window() -> None:
    tally = Tally(60, {})
    tally.add(7, usable_until=NOW)
    assert tally.used(NOW) == 7
    assert tally.used(NOW + 59.9) == 7
    assert tally.used(NOW + 60 + 60 / SLOTS) == 0


def test_says_when_enough_of_it_has_left_the_window() -> None:
    tally = Tally(60, {})
    tally.add(6, usable_until=NOW)
    tally.add(4, usable_until=NOW + 30)
    assert tally.wait(1, 11, NOW + 30) == 0.0
    first = tally.wait(1, 10, NOW + 30)
    assert 30 < first <= 33
    assert tally.used(NOW + 30 + first) == 4
    later = tally.wait(7, 10, NOW + 30)
    assert later > first
    assert tally.used(NOW + 30 + later) == 0


def test_what_is_given_back_counts_no_more() -> None:
    tally = Tally(60, {})
    tally.add(10, usable_until=NOW + 6)
    tally.give_back(4, usable_until=NOW + 6)
    assert tally.used(NOW) == 6
    tally.give_back(100, usable_until=NOW + 6)
    assert tally.used(NOW) == 0


def test_remembers_only_what_still_counts() -> None:
    tally = Tally(1, {})
    for step in range(100):
        tally.add(1, usable_until=NOW + step)
    assert len(tally.counts(NOW + 100)) <= 2


def test_no_span_of_a_window_holds_more_than_the_limit_however_calls_come() -> None:
    chance = random.Random(7)
    tally, limit, calls, now = Tally(10, {}), 25, [], NOW
    for _ in range(2000):
        now += chance.expovariate(5)
        wait = tally.wait(1, limit, now)
        if wait:
            now += wait
        assert tally.used(now) < limit
        tally.add(1, usable_until=now)
        calls.append(now)
    fullest = max(sum(1 for other in calls if at - 10 < other <= at) for at in calls)
    assert 0.8 * limit < fullest <= limit


@pytest.mark.parametrize(("calls", "seconds"), [(0, 1), (1, 0)])
def test_refuses_windows_that_let_nothing_through(calls: int, seconds: int) -> None:
    with pytest.raises(ValueError, match="at least one call"):
        Window(calls, seconds)


def test_refuses_limits_without_windows_or_with_two_of_one_length() -> None:
    with pytest.raises(ValueError, match="at least one window"):
        Limits("acme", "tenant 1", ())
    with pytest.raises(ValueError, match="equally long"):
        Limits("acme", "tenant 1", (Window(1, 60), Window(2, 60)))
