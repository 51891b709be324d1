"""Every slot at its local time, once, through the clock changes of two years."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from integrations.schedules.declared import Schedule
from integrations.schedules.firing import fire_due
from integrations.schedules.loading import load_schedules, next_times
from synclogs.models import Job
from tests.integrations.schedules.supervising import NEW_YORK, finish, fired

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("begin", "utc_before", "utc_after"),
    [
        ("2026-03-06", "09:30", "08:30"),
        ("2026-10-30", "08:30", "09:30"),
        ("2027-03-12", "09:30", "08:30"),
        ("2027-11-05", "08:30", "09:30"),
    ],
)
def test_every_slot_stays_at_its_local_time_across_the_change(
    schedules: dict[str, Schedule],
    clock: Callable[[str], None],
    begin: str,
    utc_before: str,
    utc_after: str,
) -> None:
    friday = datetime.fromisoformat(begin)
    clock(f"{begin} 00:00")
    load_schedules()
    moment = friday
    while moment < friday + timedelta(days=4):
        clock(moment.isoformat())
        fire_due()
        finish()
        moment += timedelta(minutes=30)
    days = [f"{friday + timedelta(days=offset):%a %m-%d}" for offset in (0, 3)]
    assert fired() == [f"{name} {day} {at}" for day in days for name, at in SLOTS]
    first, _, last, _ = Job.objects.order_by("created_at").values_list("schedule_slot", flat=True)
    assert (str(first)[-14:-9], str(last)[-14:-9]) == (utc_before, utc_after)


SLOTS = (("morning", "04:30"), ("afternoon", "16:30"))


@pytest.mark.parametrize(
    ("after", "expected"),
    [
        ("2026-03-07 12:00", ["Sun 03:15 -0400", "Mon 03:15 -0400"]),
        ("2026-10-31 12:00", ["Sun 03:15 -0500", "Mon 03:15 -0500"]),
    ],
)
def test_the_nightly_slot_comes_once_on_the_day_of_the_change(after: str, expected: list[str]) -> None:
    moment = datetime.fromisoformat(after).replace(tzinfo=NEW_YORK)
    assert [f"{found:%a %H:%M %z}" for found in next_times("15 3 * * *", moment, 2)] == expected


def test_short_intervals_go_on_through_the_hour_that_comes_twice() -> None:
    moment = datetime(2026, 11, 1, 4, 52, tzinfo=UTC)
    found = []
    for _ in range(30):
        (after,) = next_times("*/5 * * * *", moment, 1)
        moment = after.astimezone(UTC) + timedelta(seconds=1)
        found.append(after.astimezone(UTC))
    assert {later - earlier for earlier, later in itertools.pairwise(found)} == {timedelta(minutes=5)}
