"""Made-up workouts in Hevy's wire format."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

Row = dict[str, Any]

START = datetime(2026, 1, 2, 17, 0, tzinfo=UTC)
CUSTOM_TEMPLATE = "7d1f2a3b-0000-4000-8000-00000000c0de"
TITLES = ("Push day", "Pull day", "Legs", "Long run", "Core")


def iso(moment: datetime) -> str:
    """A moment as Hevy writes it."""
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"


def workout(number: int, **changes: Any) -> Row:
    """A workout; ``changes`` replace fields. Sets of every type and kind of exercise occur."""
    start = START + timedelta(days=number)
    end = start + timedelta(minutes=50 + number % 20)
    return {
        "id": str(uuid.UUID(int=(0xB459CBA5 << 96) + number)),
        "title": TITLES[number % len(TITLES)],
        "routine_id": str(uuid.UUID(int=number % 3 + 1)) if number % 2 else None,
        "description": (None, "", "Felt strong")[number % 3],
        "start_time": iso(start),
        "end_time": iso(end),
        "created_at": iso(end),
        "updated_at": iso(end),
        "exercises": _exercises(number),
        **changes,
    }


def _exercises(number: int) -> list[Row]:
    bench = [
        one_set(0, "warmup", weight_kg=40, reps=10),
        one_set(1, "normal", weight_kg=82.5, reps=5, rpe=8.5),
        one_set(2, "dropset", weight_kg=60, reps=8 + number % 3),
        one_set(3, "failure", weight_kg=60, reps=None),
    ]
    run = [one_set(0, "normal", distance_meters=5000, duration_seconds=1500)]
    stairs = [one_set(0, "normal", duration_seconds=300, custom_metric=42)]
    return [
        exercise(0, "Bench Press (Barbell)", "05293BCA", bench, supersets_id=0 if number % 2 else None),
        exercise(1, "Pull Up", "1B2B1E7C", [one_set(0, "normal", reps=9)]),
        exercise(2, "Running", "AC1BB830", run),
        exercise(3, "Stair Machine", CUSTOM_TEMPLATE, stairs),
    ]


def exercise(index: int, title: str, template: str, sets: list[Row], **changes: Any) -> Row:
    """An exercise of a workout."""
    return {
        "index": index,
        "title": title,
        "notes": "",
        "exercise_template_id": template,
        "supersets_id": None,
        "sets": sets,
        **changes,
    }


def one_set(index: int, kind: str, **measured: Any) -> Row:
    """A set; what was not measured is null."""
    names = ("weight_kg", "reps", "distance_meters", "duration_seconds", "rpe", "custom_metric")
    return {"index": index, "type": kind, **dict.fromkeys(names), **measured}
