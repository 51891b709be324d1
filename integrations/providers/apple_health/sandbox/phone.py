"""What a phone has recorded: generated from a seed, over a change of the clocks, in the app's format."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

LAST_DAY = date(2026, 3, 30)
ZONE = ZoneInfo("Europe/London")
WATCH, PHONE = "Rowan’s Apple Watch", "Rowan’s iPhone"
BOTH = f"{WATCH}|{PHONE}"
HEART_RATE_MINUTES = 15

Point = dict[str, Any]


def written(moment: datetime) -> str:
    """A time as the app writes it."""
    return moment.strftime("%Y-%m-%d %H:%M:%S %z")


def local(day: date, minutes: float) -> datetime:
    """So many minutes after midnight where the phone is."""
    midnight = datetime(day.year, day.month, day.day, tzinfo=ZONE)
    return (midnight.astimezone(ZoneInfo("UTC")) + timedelta(minutes=minutes)).astimezone(ZONE)


@dataclass
class Phone:
    """The records of the last `days` days. `hostile` adds a point that cannot be taken of each sort."""

    days: int = 7
    seed: int = 7
    hostile: bool = True
    corrections: dict[tuple[str, int], float] = field(default_factory=dict)

    def metrics(self) -> list[dict[str, Any]]:
        """Steps an hour, heart rates, nights, weight, and a metric without data."""
        return [
            {"name": "step_count", "units": "count", "data": self._corrected("step_count", self._steps())},
            {"name": "heart_rate", "units": "count/min", "data": self._heart_rates()},
            {"name": "sleep_analysis", "units": "hr", "data": [self._night(day) for day in self._dates()]},
            {"name": "weight_body_mass", "units": "kg", "data": self._weights()},
            {"name": "basal_body_temperature", "units": "degC", "data": None},
        ]

    def workouts(self) -> list[dict[str, Any]]:
        """A run of the current shape every other day, a walk of the older one in between."""
        return [self._run(day) if n % 2 else self._walk(day) for n, day in enumerate(self._dates())]

    def touch(self, points: int) -> int:
        """Correct so many step counts, as a watch does that syncs late; returns how many."""
        count = min(points, len(self._steps()))
        for index in range(count):
            self.corrections["step_count", index] = self.corrections.get(("step_count", index), 0) + 11
        return count

    def describe(self) -> dict[str, Any]:
        """What there is to be found, and what cannot be taken."""
        points = sum(len(metric["data"] or ()) for metric in self.metrics())
        refused = 2 if self.hostile else 0
        return {
            "days": self.days,
            "points": points - refused,
            "refused_points": refused,
            "workouts": self.days,
            "corrected": len(self.corrections),
        }

    def _dates(self) -> list[date]:
        return [LAST_DAY - timedelta(days=n) for n in reversed(range(self.days))]

    def _random(self, what: str) -> random.Random:
        return random.Random(f"{self.seed} {what}")  # noqa: S311 - made-up data

    def _steps(self) -> list[Point]:
        chance = self._random("steps")
        return [
            {
                "date": written(local(day, 60 * hour)),
                "qty": chance.randrange(1200),
                "source": f"{WATCH}|{PHONE}",
            }
            for day in self._dates()
            for hour in range(23)
        ]

    def _corrected(self, metric: str, points: list[Point]) -> list[Point]:
        for (name, index), added in self.corrections.items():
            if name == metric:
                points[index] = points[index] | {"qty": points[index]["qty"] + added}
        return points

    def _heart_rates(self) -> list[Point]:
        chance = self._random("heart")
        found = []
        for day in self._dates():
            for minutes in range(0, 23 * 60, HEART_RATE_MINUTES):
                average = 48 + 40 * chance.random()
                rates = {"Min": round(average - 4), "Avg": average, "Max": round(average + 9)}
                found.append({"date": written(local(day, minutes)), **rates, "source": WATCH})
        return found

    def _night(self, day: date) -> Point:
        chance = self._random(f"night {day}")
        core, deep, rem = 3 + chance.random(), 0.5 + chance.random(), 1 + chance.random()
        return {
            "date": day.isoformat(),
            "totalSleep": core + deep + rem,
            "asleep": 0,
            "core": core,
            "deep": deep,
            "rem": rem,
            "awake": round(chance.random() / 2, 2),
            "inBed": 0,
            "sleepStart": written(local(day - timedelta(days=1), 23 * 60 + 12)),
            "sleepEnd": written(local(day, 7 * 60)),
            "source": WATCH,
        }

    def _weights(self) -> list[Point]:
        chance = self._random("weight")
        found: list[Point] = [
            {"date": written(local(day, 7 * 60 + 55)), "qty": 71 + chance.random(), "source": "Scale"}
            for day in self._dates()
        ]
        if self.hostile:
            found += [
                {"date": "not a date", "qty": 71.5, "source": "Scale"},
                {"date": written(local(LAST_DAY, 8 * 60)), "qty": None, "source": "Scale"},
            ]
        return found

    def _run(self, day: date) -> dict[str, Any]:
        chance = self._random(f"run {day}")
        start, seconds = local(day, 17 * 60), 1800 + 600 * chance.random()
        end = start + timedelta(seconds=seconds)
        return {
            "id": str(UUID(int=chance.getrandbits(128), version=4)).upper(),
            "name": "Outdoor Run",
            "start": written(start),
            "end": written(end),
            "duration": seconds,
            "location": "Outdoor",
            "isIndoor": False,
            "activeEnergyBurned": {"qty": 280 + 90 * chance.random(), "units": "kcal"},
            "activeEnergy": [{"date": written(start), "qty": 9.5, "units": "kcal", "source": WATCH}],
            "distance": {"qty": round(4 + 2 * chance.random(), 4), "units": "km"},
            "heartRate": {
                name: {"qty": rate, "units": "bpm"}
                for name, rate in (("min", 96), ("avg", 151.6), ("max", 174))
            },
            "route": [
                {
                    "latitude": 53.8 + n / 10_000,
                    "longitude": -1.55 + n / 20_000,
                    "altitude": 40 + n % 7,
                    "course": -1 if n % 5 else 182.4,
                    "speed": -1 if n % 5 else 2.7,
                    "timestamp": written(start + timedelta(seconds=5 * n)),
                }
                for n in range(120)
            ],
        }

    def _walk(self, day: date) -> dict[str, Any]:
        chance = self._random(f"walk {day}")
        start = local(day, 8 * 60)
        return {
            "name": "Walking",
            "start": written(start),
            "end": written(start + timedelta(minutes=20)),
            "activeEnergy": {"qty": 150 + 90 * chance.random(), "units": "kJ"},
            "stepCount": {"qty": 1800 + chance.randrange(400), "units": "steps"},
            "elevation": {"units": "m", "ascent": 16.36, "descent": 0},
            "heartRateData": [{"date": written(start), "qty": 101 + chance.randrange(12), "units": "bpm"}],
            "heartRateRecovery": None,
            "route": [{"lat": 53.8, "lon": -1.55, "altitude": 8.0, "timestamp": written(start)}],
        }
