"""An export file as records: read where it lies on the disk, decoded record by record."""

from __future__ import annotations

import mmap
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from integrations.providers.apple_health.envelope import METRICS, Export, item
from integrations.providers.apple_health.metrics import Setting, map_point
from integrations.providers.apple_health.workouts import key_of, map_workout
from integrations.sync.activity.drafts import EventDraft


class Record(NamedTuple):
    """One point or workout, and what it is a point of."""

    raw: dict[str, Any]
    setting: Setting | None = None

    @property
    def name(self) -> str:
        """What issues call it."""
        if self.setting is None:
            return key_of(self.raw) or str(self.raw.get("start") or "")
        return f"{self.setting.metric} {self.raw.get('date') or self.raw.get('startDate') or ''}".strip()

    def draft(self) -> EventDraft:
        """Its event. Raises RecordError."""
        return map_workout(self.raw) if self.setting is None else map_point(self.raw, self.setting)


@contextmanager
def opened(path: Path) -> Iterator[Export]:
    """The file, mapped into memory rather than read. Raises NotAnExport, OSError, and ValueError if empty."""
    with path.open("rb") as file:
        # Not closed by hand: the export's records point into it.
        yield Export(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))


def records(export: Export, instance_type: str, aggregation: str) -> Iterator[Record]:
    """The records of one kind of data, one after the other."""
    if instance_type != METRICS:
        yield from (Record(item(raw)) for raw in export.workouts())
        return
    for metric in export.metrics():
        setting = Setting(metric.name or "unnamed", metric.units, aggregation)
        yield from (Record(item(raw), setting) for raw in metric.points)


def count(export: Export, instance_type: str) -> int:
    """How many records of one kind there are."""
    if instance_type != METRICS:
        return len(export.workouts())
    return sum(len(metric.points) for metric in export.metrics())
