"""Workouts of both shapes to events."""

from __future__ import annotations

import json
from typing import Any

import pytest

from integrations.http.errors import RecordError
from integrations.models import Block, Event, EventObject
from integrations.providers.apple_health.workouts import map_workout
from synclogs.models import SyncStatus
from tests.integrations.providers.apple_health.conftest import Phone, fixture

RUN = "6C0E9A54-2B61-4D0E-9B0C-5F6B8E1A77D2"


def workouts() -> list[dict[str, Any]]:
    """Those of the sample."""
    found: list[dict[str, Any]] = json.loads(fixture("workouts"))["data"]["workouts"]
    return found


def test_the_sample_becomes_four_events(phone: Phone) -> None:
    run = phone.deliver(fixture("workouts"))
    assert run.sync_status == SyncStatus.COMPLETED
    assert (run.records_created, run.records_skipped) == (4, 1)
    events = Event.objects.order_by("time")
    assert {event.action for event in events} == {"completed_workout"}
    assert [event.target.title for event in events] == [
        "Outdoor Run", "Traditional Strength Training", "Pool Swim", "Walking",
    ]  # fmt: skip
    assert EventObject.objects.filter(type="apple_workout").count() == 4


def test_an_export_again_corrects_and_keeps_what_it_does_not_say(phone: Phone) -> None:
    phone.deliver(fixture("workouts"))
    event = Event.objects.get(source_id=f"apple_workout_{RUN}")
    assert (event.value, event.value_multiplier, event.value_unit) == (320, 1, "kcal")
    assert event.event_metadata["location"] == "Outdoor"
    assert event.event_metadata["route_point_count"] == 2
    found = {f"{block.block_type}/{block.title}": block for block in Block.objects.filter(event=event)}
    assert set(found) == {
        "summary/Summary", "duration/Duration", "energy/Energy", "distance/Distance", "intensity/Intensity",
        "heart_rate/Minimum", "heart_rate/Average", "heart_rate/Maximum", "route/Route",
    }  # fmt: skip
    assert found["route/Route"].metadata["points"][0] == [53.8021, -1.5489, 41.2]
    assert (found["duration/Duration"].value, found["duration/Duration"].value_unit) == (1_871_992, "s")


def test_a_workout_over_the_clock_change_lasts_what_passed() -> None:
    strength = workouts()[1]
    told = map_workout(strength)
    del strength["duration"]
    counted = map_workout(strength)
    assert counted.metadata["duration_seconds"] == told.metadata["duration_seconds"] == 2400
    assert tuple(told.measure) == (None, None)


def test_zero_energy_is_zero_and_not_nothing() -> None:
    workout = workouts()[1] | {"activeEnergyBurned": {"qty": 0, "units": "kcal"}}
    assert tuple(map_workout(workout).measure) == (0, 1)


def test_the_older_shape_is_understood() -> None:
    draft = map_workout(workouts()[3])
    assert draft.source_id.startswith("apple_workout_")
    assert len(draft.source_id) == len("apple_workout_") + 32
    assert draft.source_id == map_workout(workouts()[3]).source_id
    assert (tuple(draft.measure), draft.unit) == ((226_211, 1000), "kJ")
    assert draft.metadata["elevationUp"] == {"qty": 16.36, "units": "m"}
    assert draft.metadata["stepCount"] == {"qty": 908.0, "units": "steps"}
    assert draft.metadata["avg_heart_rate"] == 108
    assert draft.metadata["start_point"] == [53.8021, -1.5489]


def test_a_series_is_not_taken_for_a_total() -> None:
    workout = workouts()[1] | {"activeEnergy": [{"qty": 5, "units": "kcal"}], "stepCount": [{"qty": 9}]}
    draft = map_workout(workout)
    assert tuple(draft.measure) == (None, None)
    assert "stepCount" not in draft.metadata


def test_a_lower_case_id_is_the_same_workout() -> None:
    assert map_workout(workouts()[0] | {"id": RUN.lower()}).source_id == f"apple_workout_{RUN}"


def test_a_long_route_is_thinned_out_in_its_block_only() -> None:
    route = [{"latitude": 50 + n / 10_000, "longitude": 1.5} for n in range(20_000)]
    draft = map_workout(workouts()[1] | {"route": [*route, {"latitude": -1000, "longitude": 0}, "x", None]})
    block = next(block for block in draft.blocks if block.block_type == "route")
    assert len(block.metadata["points"]) == 500
    assert block.metadata["points"][0] == [50.0, 1.5]
    assert block.metadata["points"][-1] == draft.metadata["end_point"] == [51.9999, 1.5]
    assert draft.metadata["route_point_count"] == 20_000


@pytest.mark.parametrize("missing", ["start", "end"])
def test_without_a_usable_date_it_is_refused(missing: str) -> None:
    with pytest.raises(RecordError, match=missing):
        map_workout(workouts()[0] | {missing: None})


@pytest.mark.parametrize("odd", ["text", 5, [], {"qty": "x"}, {"qty": None, "units": 5}, True, None])
def test_odd_members_are_left_out(odd: Any) -> None:
    names = ("activeEnergyBurned", "distance", "heartRate", "heartRateData", "route", "elevation", "location")
    draft = map_workout(workouts()[1] | dict.fromkeys(names, odd))
    assert draft.source_id.startswith("apple_workout_")
