"""Firing: one job a slot, whoever looks and whatever was missed."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial

import pytest
from django.db import OperationalError, connection
from django_q.models import Schedule as Row
from pytest_django import Settings

from circuits.schedules import circuit_schedules
from circuits.services import workstudio_connection
from integrations.schedules import firing
from integrations.schedules.declared import Schedule
from integrations.schedules.firing import fire_due
from integrations.schedules.loading import load_schedules, next_times
from synclogs.models import Alert, Job
from tests.integrations.schedules.supervising import NEW_YORK, finish, fired, start

OPEN = ["ACTIV", "QC", "REWRK"]

pytestmark = pytest.mark.django_db


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
    jobs = {schedule.name: schedule.start() for schedule in circuit_schedules()}
    said = {
        name: (job.name, job.args.get("statuses"), job.args["trigger"]) for name, job in jobs.items() if job
    }
    assert said == {
        "sync-circuits-activ-morning": ("circuits.sync_circuits", ["ACTIV"], "scheduled"),
        "sync-circuits-activ-afternoon": ("circuits.sync_circuits", ["ACTIV"], "scheduled"),
        "sync-circuits-weekly": ("circuits.sync_circuits", ["QC", "REWRK", "CLOSE"], "scheduled"),
        "create-daily-snapshots": ("circuits.create_daily_snapshots", None, "scheduled"),
        "sync-aggregates-morning": ("circuits.sync_aggregates", OPEN, "scheduled"),
        "sync-aggregates-afternoon": ("circuits.sync_aggregates", OPEN, "scheduled"),
        "build-weekly-aggregates": ("circuits.build_weekly_aggregates", None, "scheduled"),
    }


def test_the_schedules_of_planned_units_can_be_switched_off(settings: Settings) -> None:
    names = {schedule.name for schedule in circuit_schedules()}
    settings.WORKSTUDIO_SCHEDULE_AGGREGATES = False
    assert names - {schedule.name for schedule in circuit_schedules()} == {
        "sync-aggregates-morning",
        "sync-aggregates-afternoon",
        "build-weekly-aggregates",
    }


def test_every_circuit_schedule_keeps_new_york_s_time_over_both_clock_changes() -> None:
    cron = {schedule.name: schedule.cron for schedule in circuit_schedules()}
    for after in ("2026-03-05 18:00", "2026-10-29 18:00"):
        moment = datetime.fromisoformat(after).replace(tzinfo=NEW_YORK)
        said = {
            name: [f"{found.astimezone(NEW_YORK):%a %H:%M}" for found in next_times(line, moment, 2)]
            for name, line in cron.items()
        }
        assert said == {
            "sync-circuits-activ-morning": ["Fri 04:30", "Mon 04:30"],
            "sync-circuits-activ-afternoon": ["Fri 16:30", "Mon 16:30"],
            "sync-circuits-weekly": ["Mon 04:30", "Mon 04:30"],
            "create-daily-snapshots": ["Fri 05:00", "Mon 05:00"],
            "sync-aggregates-morning": ["Fri 05:30", "Mon 05:30"],
            "sync-aggregates-afternoon": ["Fri 17:30", "Mon 17:30"],
            "build-weekly-aggregates": ["Sat 23:00", "Sat 23:00"],
        }


def test_a_paused_connection_is_not_synced_by_the_clock() -> None:
    connection = workstudio_connection()
    connection.paused = True
    connection.save()
    jobs = {schedule.name: schedule.start() for schedule in circuit_schedules()}
    started = [name for name, job in jobs.items() if job is not None]
    assert started == ["create-daily-snapshots", "build-weekly-aggregates"]
