"""Loading the declared schedules: idempotent, with a next time, whatever was there before."""

from __future__ import annotations

import io
import json
import threading
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.core.management import call_command
from django.db import connection
from django.utils import timezone
from django_q.models import Schedule as Row

from integrations.schedules import declared
from integrations.schedules.declared import Schedule, declare, declared_schedules
from integrations.schedules.loading import load_schedules
from synclogs.models import CommandExecution

pytestmark = pytest.mark.django_db

NEW_YORK = ZoneInfo("America/New_York")


def nothing() -> None:
    """Starts no job."""


@pytest.fixture
def schedules(monkeypatch: pytest.MonkeyPatch) -> dict[str, Schedule]:
    """Only these are declared."""
    found = {
        "morning": Schedule("morning", "30 4 * * 1-5", nothing, "first"),
        "night": Schedule("night", "15 3 * * *", nothing, "second"),
    }
    monkeypatch.setattr(declared, "_schedules", found)
    return found


def test_what_the_product_declares() -> None:
    lines = {name: schedule.cron for name, schedule in declared_schedules().items()}
    assert (
        lines
        | {
            "sync-circuits-activ-morning": "30 4 * * 1-5",
            "sync-circuits-activ-afternoon": "30 16 * * 1-5",
            "sync-circuits-weekly": "30 4 * * 1",
            "create-daily-snapshots": "0 5 * * 1-5",
            "prune": "15 3 * * *",
            "check-queue": "*/5 * * * *",
        }
        == lines
    )


def test_loading_makes_rows_with_a_next_time(schedules: dict[str, Schedule]) -> None:
    before = timezone.now()
    assert load_schedules().created == ["morning", "night"]
    for row in Row.objects.all():
        assert row.next_run is not None
        assert row.next_run > before
        assert row.next_run.astimezone(NEW_YORK).strftime("%H:%M") in ("04:30", "03:15")
        assert (row.schedule_type, row.repeats, row.cluster) == (Row.CRON, -1, None)


def test_loading_again_changes_nothing(schedules: dict[str, Schedule]) -> None:
    load_schedules()
    rows = list(Row.objects.order_by("pk").values())
    again = load_schedules()
    assert (again.created, again.updated, again.removed) == ([], [], [])
    assert again.unchanged == ["morning", "night"]
    assert list(Row.objects.order_by("pk").values()) == rows


def test_an_edited_line_gets_a_new_next_time(schedules: dict[str, Schedule]) -> None:
    load_schedules()
    schedules["morning"] = Schedule("morning", "45 6 * * *", nothing, "later")
    assert load_schedules().updated == ["morning"]
    row = Row.objects.get(name="morning")
    assert row.cron == "45 6 * * *"
    assert row.next_run is not None
    assert row.next_run.astimezone(NEW_YORK).strftime("%H:%M") == "06:45"


@pytest.mark.parametrize("change", [{"cron": "* * * * *"}, {"next_run": None}])
def test_a_row_that_somebody_changed_is_put_right(
    schedules: dict[str, Schedule], change: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    load_schedules()
    Row.objects.filter(name="morning").update(**change)
    assert load_schedules().updated == ["morning"]
    row = Row.objects.get(name="morning")
    assert row.cron == "30 4 * * 1-5"
    assert row.next_run is not None


def test_what_is_not_declared_any_more_goes_and_what_is_not_ours_stays(
    schedules: dict[str, Schedule],
) -> None:
    load_schedules()
    Row.objects.create(name="foreign", func="math.floor", args="1.5", schedule_type=Row.HOURLY)
    del schedules["night"]
    assert load_schedules().removed == ["night"]
    assert set(Row.objects.values_list("name", flat=True)) == {"morning", "foreign"}


def test_a_second_row_of_a_name_goes(schedules: dict[str, Schedule]) -> None:
    load_schedules()
    row = Row.objects.get(name="night")
    row.pk = None
    row.save()
    assert load_schedules().removed == ["night"]
    assert Row.objects.filter(name="night").count() == 1


def test_two_schedules_cannot_share_a_name(schedules: dict[str, Schedule]) -> None:
    declare(schedules["morning"])
    with pytest.raises(ValueError, match="two schedules are called 'morning'"):
        declare(Schedule("morning", "0 0 * * *", nothing, "other"))


@pytest.mark.django_db(transaction=True)
def test_two_hosts_that_load_at_once_make_one_row_each(schedules: dict[str, Schedule]) -> None:
    barrier = threading.Barrier(4)

    def load() -> None:
        barrier.wait(10)
        load_schedules()
        connection.close()

    threads = [threading.Thread(target=load) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(Row.objects.values_list("name", flat=True)) == ["morning", "night"]


def call(*args: str) -> dict[str, Any]:
    out = io.StringIO()
    call_command("schedules", *args, "--json", stdout=out)
    answer: dict[str, Any] = json.loads(out.getvalue())
    return answer


def test_a_dry_run_says_what_would_change(schedules: dict[str, Schedule]) -> None:
    answer = call("load", "--dry-run")
    assert answer["schedules"]["created"] == ["morning", "night"]
    assert not Row.objects.exists()
    assert not CommandExecution.objects.exists()


def test_the_command_loads_and_is_recorded(schedules: dict[str, Schedule]) -> None:
    assert call("load")["counters"] == {"created": 2, "updated": 0, "unchanged": 0, "removed": 0}
    assert CommandExecution.objects.get().action == "load"


def test_showing_writes_nothing_and_previews_three_times(schedules: dict[str, Schedule]) -> None:
    lines = call("show")["schedules"]
    assert [(line["name"], line["loaded"], len(line["next"])) for line in lines] == [
        ("morning", False, 3),
        ("night", False, 3),
    ]
    assert all(" 04:30 E" in moment for moment in lines[0]["next"])
    assert not CommandExecution.objects.exists()
    load_schedules()
    assert [line["loaded"] for line in call("show")["schedules"]] == [True, True]


def test_people_are_told_what_is_not_loaded(schedules: dict[str, Schedule]) -> None:
    out = io.StringIO()
    call_command("schedules", "show", stdout=out)
    assert out.getvalue().count("NOT LOADED") == 2
    call_command("schedules", "load", stdout=out)
    assert "Were created: morning, night; updated: none; removed: none." in out.getvalue()
