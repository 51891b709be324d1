"""Points of metrics to events: docs/apple-health.md, "Metrics"."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any, NamedTuple

from integrations.http.errors import RecordError
from integrations.providers.apple_health import sleep
from integrations.providers.apple_health.envelope import UNREADABLE
from integrations.providers.apple_health.moments import Moment, parse_moment
from integrations.providers.apple_health.values import (
    Json,
    Reading,
    first_number,
    humanized,
    number,
    optional_number,
    source_hash,
)
from integrations.sync.activity.drafts import BlockDraft, EventDraft, ObjectDraft, measure

DOMAIN = "health"
SEXUAL_ACTIVITY = ("Unspecified", "Protection Used", "Protection Not Used")
ACTOR = ObjectDraft("user", "apple_health_user", "Apple Health")


class Setting(NamedTuple):
    """What a point does not say itself: its metric, unit, and how the phone aggregated it."""

    metric: str
    units: str
    aggregation: str


def map_point(point: Json, setting: Setting) -> EventDraft:
    """One point as an event. Raises RecordError when it has no usable date or number."""
    if UNREADABLE in point:
        raise RecordError("the point is not an object", code="wrong_type")
    if setting.metric == sleep.METRIC:
        return _event(point, setting, sleep.identify(point), sleep.read(point))
    moment = parse_moment(point.get("date"), "date")
    source_id = f"apple_metric_{setting.metric}_{moment.stamp}_{setting.aggregation}"
    if setting.aggregation == "none":
        source_id += f"_{source_hash(point)}"
    reading = _READERS.get(setting.metric, _read_plain)(point)
    return _event(point, setting, sleep.Identity(source_id, moment), reading)


def _event(point: Json, setting: Setting, identity: sleep.Identity, reading: Reading) -> EventDraft:
    title = humanized(setting.metric)
    return EventDraft(
        source_id=identity.source_id,
        time=identity.moment.at,
        domain=DOMAIN,
        action="measurement",
        actor=ACTOR,
        target=ObjectDraft("metric", "apple_metric", title, external_id=setting.metric),
        measure=measure(reading.value),
        unit=setting.units,
        metadata=_metadata(point, setting, identity.moment),
        blocks=tuple(
            BlockDraft(kind, title, identity.moment.at, measure=measure(value), unit=setting.units)
            for kind, title, value in reading.details
        ),
    )


def _metadata(point: Json, setting: Setting, moment: Moment) -> dict[str, Any]:
    return {
        "metric": setting.metric,
        "raw": dict(point),
        "aggregation": setting.aggregation,
        "tz_offset": moment.offset,
    }


def _read_plain(point: Json) -> Reading:
    """A quantity; with a range where the phone has averaged, as it does for heart rates."""
    least, average, most = (first_number(point, name) for name in ("Min", "Avg", "Max"))
    if least is None and average is None and most is None:
        return Reading(number(point.get("qty"), "qty"))
    details = (("minimum", "Minimum", least), ("average", "Average", average), ("maximum", "Maximum", most))
    value = average if average is not None else optional_number(point.get("qty"))
    if value is None:
        raise RecordError("neither Avg nor qty is a number", code="bad_number", field="Avg")
    return Reading(value, tuple((kind, title, each) for kind, title, each in details if each is not None))


def _read_blood_pressure(point: Json) -> Reading:
    systolic = number(point.get("systolic"), "systolic")
    diastolic = number(point.get("diastolic"), "diastolic")
    return Reading(systolic, (("systolic", "Systolic", systolic), ("diastolic", "Diastolic", diastolic)))


def _read_sexual_activity(point: Json) -> Reading:
    counts = [optional_number(point.get(name)) for name in SEXUAL_ACTIVITY]
    given = [count for count in counts if count is not None]
    return Reading(sum(given, Decimal(0))) if given else _read_plain(point)


_READERS: dict[str, Callable[[Json], Reading]] = {
    "blood_pressure": _read_blood_pressure,
    "sexual_activity": _read_sexual_activity,
}
