"""From Hevy's workouts to events: what was lifted, by exercise and set."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from django.utils.dateparse import parse_datetime
from django.utils.timezone import is_naive

from integrations.http.errors import RecordError
from integrations.models import Event
from integrations.sync.activity.drafts import BlockDraft, EventDraft, Measure, ObjectDraft, measure

WARMUP = "warmup"
NOTED = ("type", "weight_kg", "reps", "rpe", "custom_metric")
Json = Mapping[str, Any]


def source_id(workout_id: object) -> str:
    """Under which the event of a workout is known."""
    return f"workout:{workout_id}"


def moment(document: Json, name: str) -> datetime:
    """A time with its zone. Raises RecordError."""
    found = parse_datetime(str(document.get(name) or "")) if document.get(name) else None
    if found is None or is_naive(found):
        raise RecordError(f"{name} is no time: {str(document.get(name))[:40]}", code="bad_date", field=name)
    return found


def user_draft(user: Json) -> ObjectDraft:
    """Whose workouts they are."""
    return ObjectDraft(
        "user",
        "hevy_user",
        str(user.get("name") or "Hevy user"),
        external_id=str(user["id"]),
        url=str(user.get("url") or ""),
    )


def event_draft(workout: Json, user: Json) -> EventDraft:
    """A completed workout. Raises RecordError when it cannot be taken."""
    start, end = moment(workout, "start_time"), moment(workout, "end_time")
    exercises = [each for each in workout.get("exercises") or () if isinstance(each, Mapping)]
    sets = [one for exercise in exercises for one in _sets(exercise)]
    return EventDraft(
        source_id=source_id(workout["id"]),
        time=start,
        domain="fitness",
        action="completed_workout",
        actor=user_draft(user),
        target=_target(workout),
        measure=measure(_volume(sets)),
        unit="kg",
        metadata={
            "end_time": end.isoformat(),
            "duration_s": round((end - start).total_seconds()),
            "sets": len(sets),
            "exercises": len(exercises),
            "description": str(workout.get("description") or ""),
            "updated_at": moment(workout, "updated_at").isoformat(),
        },
        blocks=tuple(_blocks(exercises)),
    )


def deleted_draft(stored: Event) -> EventDraft:
    """The event that is stored, marked as deleted: Hevy tells no more than the id."""
    return EventDraft(
        source_id=stored.source_id,
        time=stored.time,
        domain=stored.domain,
        action=stored.action,
        actor=_stub(stored.actor),
        target=_stub(stored.target),
        measure=Measure(stored.value, stored.value_multiplier),
        unit=stored.value_unit,
        metadata=stored.event_metadata,
        deleted=True,
    )


def _stub(row: Any) -> ObjectDraft:
    return ObjectDraft(row.concept, row.type, row.title, external_id=row.external_id, stub=True)


def _target(workout: Json) -> ObjectDraft:
    title = " ".join(str(workout.get("title") or "Workout").split())
    routine = workout.get("routine_id")
    if routine:
        return ObjectDraft("routine", "hevy_routine", title, external_id=str(routine), stub=True)
    return ObjectDraft("routine", "hevy_workout_title", title.casefold())


def _blocks(exercises: Iterable[Json]) -> Iterable[BlockDraft]:
    """A block for each exercise and each set; their titles are their places, which are unique."""
    for place, exercise in enumerate(exercises):
        sets = _sets(exercise)
        superset = exercise.get("supersets_id", exercise.get("superset_id"))
        yield BlockDraft(
            "exercise",
            f"exercise {exercise.get('index', place)}",
            metadata={
                "title": exercise.get("title"),
                "exercise_template_id": exercise.get("exercise_template_id"),
                "notes": exercise.get("notes") or "",
                "superset": superset,
                "top_set_kg": _text(max((_number(one, "weight_kg") for one in sets), default=None)),
            },
            measure=measure(_volume(sets)),
            unit="kg",
        )
        for index, one in enumerate(sets):
            number, unit = _measured(one)
            yield BlockDraft(
                "set",
                f"exercise {exercise.get('index', place)} set {one.get('index', index)}",
                metadata={name: one.get(name) for name in NOTED},
                measure=measure(number),
                unit=unit,
            )


def _sets(exercise: Json) -> list[Json]:
    return [one for one in exercise.get("sets") or () if isinstance(one, Mapping)]


def _volume(sets: Iterable[Json]) -> Decimal:
    """Kilograms moved, warming up left out; a set without weight or repetitions moves none."""
    return sum(
        (_number(one, "weight_kg") * _number(one, "reps") for one in sets if one.get("type") != WARMUP),
        start=Decimal(0),
    )


def _measured(one: Json) -> tuple[Decimal | None, str]:
    """What a set comes to, by what was noted of it."""
    if one.get("weight_kg") is not None and one.get("reps") is not None:
        return _number(one, "weight_kg") * _number(one, "reps"), "kg"
    for name, unit in (("reps", "reps"), ("distance_meters", "meters"), ("duration_seconds", "seconds")):
        if one.get(name) is not None:
            return _number(one, name), unit
    return None, ""


def _number(one: Json, name: str) -> Decimal:
    value = one.get(name)
    if value is None:
        return Decimal(0)
    try:
        number = Decimal(str(value))
    except InvalidOperation:
        number = Decimal("NaN")
    if isinstance(value, bool) or not number.is_finite():
        raise RecordError(f"{name} is no number: {str(value)[:40]}", code="wrong_type", field=name)
    return number


def _text(number: Decimal | None) -> str | None:
    return None if number is None else f"{number.normalize():f}"
