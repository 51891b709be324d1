"""Points of metrics to events, in every shape that the app sends."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from integrations.http.errors import RecordError
from integrations.models import Block, DeliveryStatus, Event, EventObject
from integrations.providers.apple_health.metrics import Setting, map_point
from integrations.sync.activity.drafts import EventDraft
from synclogs.models import SyncIssue, SyncStatus
from tests.integrations.providers.apple_health.conftest import Phone, fixture

PRESSURES = {"systolic/Systolic": (121, 1), "diastolic/Diastolic": (79, 1)}
RATES = {"minimum/Minimum": (50, 1), "average/Average": (60_500, 1000), "maximum/Maximum": (70, 1)}


def mapped(
    point: dict[str, Any], metric: str = "step_count", units: str = "count", agg: str = "none"
) -> EventDraft:
    return map_point(point, Setting(metric, units, agg))


def blocks_of(draft: EventDraft) -> dict[str, Any]:
    return {f"{block.block_type}/{block.title}": tuple(block.measure) for block in draft.blocks}


def test_the_sample_becomes_events_and_two_issues(phone: Phone) -> None:
    run = phone.deliver(fixture("metrics"), automation_aggregation="Days")
    assert run.sync_status == SyncStatus.WARNING
    assert (run.records_created, run.records_failed) == (9, 2)
    assert set(SyncIssue.objects.values_list("error_code", "source_id")) == {
        ("bad_date", "weight_body_mass not a date"),
        ("bad_number", "weight_body_mass 2026-03-29 07:55:12 +0100"),
    }
    assert phone.delivery.status == DeliveryStatus.PROCESSED
    steps = Event.objects.filter(target__external_id="step_count").order_by("time")
    assert [(event.value, event.value_multiplier) for event in steps] == [
        (8412, 1),
        (10_233_500, 1000),
        (0, 1),
    ]
    assert [event.source_id for event in steps] == [
        "apple_metric_step_count_20260328T000000Z_days",
        "apple_metric_step_count_20260329T000000Z_days",
        "apple_metric_step_count_20260329T230000Z_days",
    ]
    assert {event.value_unit for event in steps} == {"count"}
    assert {(event.domain, event.action) for event in Event.objects.all()} == {("health", "measurement")}
    last = steps[2]
    assert last.event_metadata["tz_offset"] == "+0100"
    assert last.event_metadata["raw"]["source"] == "Rowan’s iPhone"
    assert EventObject.objects.filter(type="apple_health_user", title="Apple Health").count() == 1
    assert EventObject.objects.filter(type="apple_metric").count() == 5


def test_the_clock_change_does_not_reorder_or_merge_heart_rates(phone: Phone) -> None:
    phone.deliver(fixture("metrics"))
    rates = list(Event.objects.filter(target__external_id="heart_rate").order_by("time"))
    assert [event.time for event in rates] == [
        datetime(2026, 3, 29, 0, 30, tzinfo=UTC),
        datetime(2026, 3, 29, 1, 30, tzinfo=UTC),
    ]
    assert [(event.value, event.value_multiplier) for event in rates] == [(52_333, 1000), (47, 1)]
    found = Block.objects.filter(event=rates[0]).values_list("block_type", "title", "value")
    assert set(found) == {
        ("minimum", "Minimum", 48),
        ("average", "Average", 52_333),
        ("maximum", "Maximum", 61),
    }


def test_a_delivery_again_with_corrections_updates_what_changed(phone: Phone) -> None:
    phone.deliver(fixture("metrics"), automation_aggregation="Days")
    before = Event.objects.count()
    document = json.loads(fixture("metrics"))
    document["data"]["metrics"][0]["data"][0]["qty"] = 8000
    document["data"]["metrics"][2]["data"][0]["awake"] = 0
    run = phone.deliver(json.dumps(document).encode(), automation_aggregation="days")
    assert (run.records_created, run.records_updated) == (0, 2)
    assert Event.objects.count() == before
    event = Event.objects.get(source_id="apple_metric_step_count_20260328T000000Z_days")
    assert (event.value, event.event_metadata["previous_value"]) == (8000, 8412)
    night = Event.objects.get(source_id__startswith="apple_sleep_")
    live = Block.objects.filter(event=night, deleted_at=None).values_list("block_type", flat=True)
    assert set(live) == {"core", "deep", "rem"}


def test_a_night_is_its_phases_when_asleep_is_zero() -> None:
    night = json.loads(fixture("metrics"))["data"]["metrics"][2]["data"][0]
    draft = mapped(night, "sleep_analysis", "hr", "days")
    assert draft.source_id == "apple_sleep_2026-03-29_20260328T231230Z"
    assert draft.time == datetime(2026, 3, 28, 23, 12, 30, tzinfo=UTC)
    assert tuple(draft.measure) == (6842, 1000)
    assert blocks_of(draft) == {
        "core/Core": (4100, 1000),
        "deep/Deep": (975, 1000),
        "rem/REM": (1767, 1000),
        "awake/Awake": (250, 1000),
    }


@pytest.mark.parametrize(
    ("point", "expected"),
    [
        ({"totalSleep": 0, "asleep": 7}, (7, 1)),
        ({"asleep": 0, "core": 4, "deep": 1, "rem": 2}, (7, 1)),
        ({"inBed": 8, "asleep": 0}, (8, 1)),
        ({"inBed": 0, "asleep": 0}, (0, 1)),
    ],
)
def test_the_first_total_above_zero_counts(point: dict[str, Any], expected: tuple[int, int]) -> None:
    draft = mapped({"date": "2026-03-29", **point}, "sleep_analysis", "hr")
    assert tuple(draft.measure) == expected
    assert draft.source_id == "apple_sleep_2026-03-29_unknown"


def test_a_stretch_of_sleep_needs_no_date() -> None:
    stretch = json.loads(fixture("metrics"))["data"]["metrics"][2]["data"][1]
    draft = mapped(stretch, "sleep_analysis", "hr")
    assert draft.source_id.startswith("apple_sleepseg_20260329T130500Z_20260329T134100Z_Core_")
    assert blocks_of(draft) == {"stage/Core": (600, 1000)}


@pytest.mark.parametrize(
    ("metric", "point", "value", "blocks"),
    [
        (
            "blood_pressure",
            {"systolic": 121, "diastolic": 79},
            (121, 1),
            PRESSURES,
        ),
        ("blood_glucose", {"qty": 5.4, "mealTime": "Before Meal"}, (5400, 1000), {}),
        ("insulin_delivery", {"qty": 2, "reason": "Bolus"}, (2, 1), {}),
        ("handwashing", {"qty": 20, "value": "Complete"}, (20, 1), {}),
        ("sexual_activity", {"Unspecified": 1, "Protection Used": 2, "Protection Not Used": 0}, (3, 1), {}),
        (
            "heart_rate",
            {"min": 50, "avg": 60.5, "max": 70},
            (60_500, 1000),
            RATES,
        ),
        ("heart_rate", {"qty": 61}, (61, 1), {}),
        ("a_metric_of_next_year", {"qty": -3.25}, (-3250, 1000), {}),
        ("weight_body_mass", {"qty": 71.45000076293945}, (71_450, 1000), {}),
        ("half_even", {"qty": 0.0005}, (0, 1000), {}),
    ],
)
def test_each_shape_has_its_number(
    metric: str, point: dict[str, Any], value: tuple[int, int], blocks: dict[str, Any]
) -> None:
    draft = mapped({"date": "2026-03-29 08:00:00 +0100", **point}, metric)
    assert tuple(draft.measure) == value
    assert blocks_of(draft) == blocks


@pytest.mark.parametrize(
    ("point", "code"),
    [
        ({"qty": 1}, "missing_date"),
        ({"date": None, "qty": 1}, "missing_date"),
        ({"date": 5, "qty": 1}, "missing_date"),
        ({"date": "not a date", "qty": 1}, "bad_date"),
        ({"date": "2026-03-29 08:00:00", "qty": 1}, "bad_date"),
        ({"date": "2026-13-29 08:00:00 +0100", "qty": 1}, "bad_date"),
        ({"date": "0001-01-01 00:00:00 +1400", "qty": 1}, "bad_date"),
        ({"date": "2026-03-29 08:00:00 +0100"}, "bad_number"),
        ({"date": "2026-03-29 08:00:00 +0100", "qty": None}, "bad_number"),
        ({"date": "2026-03-29 08:00:00 +0100", "qty": "bad"}, "bad_number"),
        ({"date": "2026-03-29 08:00:00 +0100", "qty": True}, "bad_number"),
        ({"date": "2026-03-29 08:00:00 +0100", "qty": [1]}, "bad_number"),
        ({"unreadable": "a text"}, "wrong_type"),
    ],
)
def test_a_point_that_cannot_be_taken_says_why(point: dict[str, Any], code: str) -> None:
    with pytest.raises(RecordError) as refused:
        mapped(point)
    assert refused.value.code == code


@pytest.mark.parametrize(
    "date",
    [
        "2026-03-29 02:30:00 +0100",
        "2026-03-29 01:30:00 +0000",
        "2026-03-29T02:30:00+01:00",
        "2026-03-29T01:30:00Z",
        "2026-03-29 2:30:00\u202fAM +0100",
        "2026-03-28 20:30:00 -0500",
    ],
)
def test_one_instant_is_one_event_however_it_is_written(date: str) -> None:
    draft = mapped({"date": date, "qty": 1, "source": "Watch"})
    assert draft.source_id.startswith("apple_metric_step_count_20260329T013000Z_none_")


def test_two_devices_do_not_collide_where_nothing_is_aggregated() -> None:
    point = {"date": "2026-03-29 08:00:00 +0100", "qty": 1}
    watch, phone = (mapped({**point, "source": name}).source_id for name in ("Watch", "Phone"))
    assert watch != phone
    assert (
        mapped({**point, "source": "Watch"}, agg="minutes").source_id
        == mapped({**point, "source": "Phone"}, agg="minutes").source_id
    )


def test_noon_and_midnight_in_twelve_hours() -> None:
    assert mapped({"date": "2026-03-29 12:00:00 AM +0000", "qty": 1}).time.hour == 0
    assert mapped({"date": "2026-03-29 12:00:00 PM +0000", "qty": 1}).time.hour == 12
