"""Firing: one job a slot, right across clock changes, whoever looks and whatever was missed."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.db import OperationalError, connection
from django_q.models import Schedule as Row

from accounts.models import Account
from circuits.schedules import SCHEDULES as CIRCUIT_SCHEDULES
from circuits.services import workstudio_connection
from integrations.jobs.base import BaseJob
from integrations.jobs.registry import register_job
from integrations.schedules import declared, firing
from integrations.schedules.declared import Schedule
from integrations.schedules.firing import fire_due
from integrations.schedules.loading import load_schedules, next_times
from synclogs.models import Alert, Job, JobStatus

pytestmark = pytest.mark.django_db

NEW_YORK = ZoneInfo("America/New_York")


@register_job
class SlotJob(BaseJob):
    """Does nothing."""

    name = "tests.slot"

    def handle(self) -> str | None:
        return None


def start(**args: Any) -> Job:
    return SlotJob.dispatch(account=Account.objects.platform(), args=args)


@pytest.fixture(autouse=True)
def _rested(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(firing, "_resting", {})


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Sets New York's time for all who fire and load: `clock("2026-03-09 04:31")`."""
    now = [datetime(2026, 3, 5, 12, 0, tzinfo=NEW_YORK).astimezone(UTC)]

    class Clock:
        @staticmethod
        def now() -> datetime:
            return now[0]

    for module in ("firing", "loading"):
        monkeypatch.setattr(f"integrations.schedules.{module}.timezone", Clock)

    def set_time(text: str, fold: int = 0) -> None:
        now[0] = datetime.fromisoformat(text).replace(tzinfo=NEW_YORK, fold=fold).astimezone(UTC)

    return set_time


@pytest.fixture
def schedules(monkeypatch: pytest.MonkeyPatch) -> dict[str, Schedule]:
    found = {
        "morning": Schedule("morning", "30 4 * * 1-5", lambda: start(which="morning"), ""),
        "afternoon": Schedule("afternoon", "30 16 * * 1-5", lambda: start(which="afternoon"), ""),
    }
    monkeypatch.setattr(declared, "_schedules", found)
    return found


def fired(since: int = 0) -> list[str]:
    """The slots that have a job, in New York's time."""
    slots = (
        Job.objects.exclude(schedule_slot=None).order_by("created_at").values_list("schedule_slot", flat=True)
    )
    return [
        f"{name} {datetime.fromisoformat(moment).astimezone(NEW_YORK):%a %m-%d %H:%M}"
        for name, _, moment in (str(slot).partition(" ") for slot in slots)
    ][since:]


def finish() -> None:
    Job.objects.update(status=JobStatus.SUCCEEDED)


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


def test_nothing_fires_before_its_time_or_at_installation(
    schedules: dict[str, Schedule], clock: Callable[[str], None]
) -> None:
    clock("2026-03-07 09:00")
    load_schedules()
    assert fire_due() == 0
    clock("2026-03-08 23:59")
    assert fire_due() == 0
    clock("2026-03-09 04:30")
    assert fire_due() == 1


def test_what_was_missed_fires_once(schedules: dict[str, Schedule], clock: Callable[[str], None]) -> None:
    clock("2026-03-02 00:00")
    load_schedules()
    clock("2026-03-05 12:00")
    assert fire_due() == 2
    assert fire_due() == 0
    assert fired() == ["morning Mon 03-02 04:30", "afternoon Mon 03-02 16:30"]
    finish()
    clock("2026-03-05 16:30")
    assert fire_due() == 1
    assert fired(2) == ["afternoon Thu 03-05 16:30"]


def test_a_slot_whose_work_is_still_going_on_makes_no_second_job(
    schedules: dict[str, Schedule], clock: Callable[[str], None]
) -> None:
    clock("2026-03-05 00:00")
    load_schedules()
    clock("2026-03-05 04:30")
    fire_due()
    clock("2026-03-06 04:30")
    fire_due()
    assert Job.objects.filter(args__which="morning").count() == 1
    row = Row.objects.get(name="morning")
    assert f"{row.next_run.astimezone(NEW_YORK):%a %H:%M}" == "Mon 04:30"


def test_a_slot_never_has_a_second_job(schedules: dict[str, Schedule], clock: Callable[[str], None]) -> None:
    clock("2026-03-05 00:00")
    load_schedules()
    row = Row.objects.get(name="morning")
    clock("2026-03-05 04:30")
    fire_due()
    finish()
    Row.objects.filter(pk=row.pk).update(next_run=row.next_run)
    assert fire_due() == 1
    assert Job.objects.filter(args__which="morning").count() == 1


@pytest.mark.django_db(transaction=True)
def test_two_supervisors_make_one_job_a_slot(
    schedules: dict[str, Schedule], clock: Callable[[str], None]
) -> None:
    for number in range(10):
        name = f"extra-{number}"
        schedules[name] = Schedule(name, "30 4 * * 1-5", partial(start, which=name), "")
    clock("2026-03-05 00:00")
    load_schedules()
    clock("2026-03-05 04:30")
    barrier, counted = threading.Barrier(3), []

    def look() -> None:
        barrier.wait(10)
        counted.append(fire_due())
        connection.close()

    threads = [threading.Thread(target=look) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(counted) == 11
    assert Job.objects.count() == 11
    assert len(set(Job.objects.values_list("schedule_slot", flat=True))) == 11


def test_a_schedule_that_cannot_start_stops_no_other_and_rests(
    schedules: dict[str, Schedule], clock: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[str] = []

    def broken() -> Job:
        calls.append("called")
        raise LookupError("no such class")

    schedules["a-broken"] = Schedule("a-broken", "30 4 * * *", broken, "")
    clock("2026-03-05 00:00")
    load_schedules()
    clock("2026-03-05 04:30")
    assert fire_due() == 1
    assert fire_due() == 0
    assert calls == ["called"]
    alert = Alert.objects.get()
    assert (alert.source, alert.message) == ("schedule a-broken", "no such class")
    monkeypatch.setattr(firing, "_resting", {})
    schedules["a-broken"] = Schedule("a-broken", "30 4 * * *", lambda: start(which="mended"), "")
    assert fire_due() == 1
    assert "a-broken Thu 03-05 04:30" in fired()


def test_a_database_that_is_away_is_the_supervisors_business(
    schedules: dict[str, Schedule], clock: Callable[[str], None]
) -> None:
    def away() -> Job:
        raise OperationalError("server closed the connection")

    schedules["morning"] = Schedule("morning", "30 4 * * *", away, "")
    clock("2026-03-05 00:00")
    load_schedules()
    clock("2026-03-05 04:30")
    with pytest.raises(OperationalError):
        fire_due()


def test_rows_of_others_and_of_other_releases_are_left_alone(
    schedules: dict[str, Schedule], clock: Callable[[str], None], caplog: pytest.LogCaptureFixture
) -> None:
    clock("2026-03-05 00:00")
    load_schedules()
    del schedules["morning"]
    Row.objects.create(name="foreign", func="math.floor", cron="* * * * *", schedule_type=Row.CRON)
    clock("2026-03-05 04:30")
    assert fire_due() == 0
    assert "schedule morning is not declared here" in caplog.text
    assert not Job.objects.exists()


def test_a_schedule_with_nothing_to_do_goes_on_to_its_next_time(
    schedules: dict[str, Schedule], clock: Callable[[str], None]
) -> None:
    schedules["morning"] = Schedule("morning", "30 4 * * 1-5", lambda: None, "")
    clock("2026-03-05 00:00")
    load_schedules()
    clock("2026-03-05 04:30")
    assert fire_due() == 0
    assert not Row.objects.filter(next_run__lte=datetime(2026, 3, 5, 9, 30, tzinfo=UTC)).exists()


def test_the_circuit_schedules_queue_their_jobs() -> None:
    jobs = {schedule.name: schedule.start() for schedule in CIRCUIT_SCHEDULES}
    said = {
        name: (job.name, job.args.get("statuses"), job.args["trigger"]) for name, job in jobs.items() if job
    }
    assert said == {
        "sync-circuits-activ-morning": ("circuits.sync_circuits", ["ACTIV"], "scheduled"),
        "sync-circuits-activ-afternoon": ("circuits.sync_circuits", ["ACTIV"], "scheduled"),
        "sync-circuits-weekly": ("circuits.sync_circuits", ["QC", "REWRK", "CLOSE"], "scheduled"),
        "create-daily-snapshots": ("circuits.create_daily_snapshots", None, "scheduled"),
    }


def test_a_paused_connection_is_not_synced_by_the_clock() -> None:
    connection = workstudio_connection()
    connection.paused = True
    connection.save()
    jobs = {schedule.name: schedule.start() for schedule in CIRCUIT_SCHEDULES}
    assert [name for name, job in jobs.items() if job is not None] == ["create-daily-snapshots"]
