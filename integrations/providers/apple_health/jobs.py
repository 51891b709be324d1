"""A delivery is taken apart into chunks, and these become events."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Any

import msgspec
from django.conf import settings

from integrations.jobs.outcomes import JobFailed
from integrations.jobs.registry import register_job
from integrations.jobs.staged.events import BaseEventJob
from integrations.jobs.staged.page import Page
from integrations.jobs.staged.webhook_hook import BaseWebhookHookJob
from integrations.models import Integration
from integrations.providers.apple_health.envelope import METRICS, WORKOUTS, Export, NotAnExport, item
from integrations.providers.apple_health.metrics import Setting, map_point
from integrations.providers.apple_health.slug import PROVIDER
from integrations.providers.apple_health.values import normalized, text
from integrations.providers.apple_health.workouts import key_of, map_workout
from integrations.sync.activity.drafts import Draft
from integrations.webhooks.messages import Malformed, inflate

POINTS_AT_ONCE = 2_000
WORKOUTS_AT_ONCE = 50
NO_AGGREGATION = "none"


@register_job
class AppleHealthMetricData(BaseEventJob):
    """Points of one metric to measurements. A point that comes again replaces its value and details."""

    name = "apple_health.metric_data"
    provider = PROVIDER
    job_type = "metric_data"
    authoritative_blocks = True

    def map_item(self, item: Any, index: int) -> Iterable[Draft]:
        """One point."""
        context = self.payload.context
        yield map_point(item, Setting(context["metric"], context["units"], context["aggregation"]))

    def source_id(self, item: Any) -> str:
        """The metric and the date as it was received."""
        return f"{self.payload.context['metric']} {item.get('date') or item.get('startDate') or ''}".strip()


@register_job
class AppleHealthWorkoutData(BaseEventJob):
    """Workouts to events. One that comes again with less keeps the details that it had."""

    name = "apple_health.workout_data"
    provider = PROVIDER
    job_type = "workout_data"

    def prepare(self, items: Sequence[Any]) -> None:
        """A workout that is in the chunk twice has all that either says; the later one wins."""
        known: dict[str, dict[str, Any]] = {}
        self._merged: list[Any] = []
        for raw in items:
            key = key_of(raw)
            merged = known.get(key, {}) | raw
            if key:
                known[key] = merged
            self._merged.append(merged)

    def map_item(self, item: Any, index: int) -> Iterable[Draft]:
        """One workout."""
        yield map_workout(self._merged[index])

    def together(self, item: Any) -> str | None:
        """Workouts of the same id are never parted."""
        return together(item)

    def source_id(self, item: Any) -> str:
        """Its id, else its name and start."""
        return key_of(item) or f"{text(item.get('name'))} {text(item.get('start'))}".strip()


@register_job
class AppleHealthWebhookHook(BaseWebhookHookJob):
    """Takes a phone's delivery apart, for each connection of its credential: each gets its own array."""

    name = "apple_health.webhook_hook"
    provider = PROVIDER
    job_type = "webhook_hook"
    timeout = 300

    def validate_webhook(self) -> None:
        """It is an export, and a connection wants something of it."""
        encoding = str(self.delivery.headers.get("content-encoding", "")).lower()
        limit = settings.APPLE_HEALTH_MAX_BODY_MB << 20
        try:
            self._export = Export(inflate(bytes(self.delivery.body or b""), encoding, limit))
        except (Malformed, NotAnExport) as error:
            raise JobFailed(str(error), code="bad_body") from error
        self._aggregation = normalized(self.delivery.headers.get("automation-aggregation")) or NO_AGGREGATION
        wanted = {integration.instance_type or WORKOUTS for integration in self.integrations}
        if not wanted & self._export.counts.keys():
            had = ", ".join(sorted(self._export.counts)) or "nothing"
            self.unmatched = f"holds {had}; the connections take {', '.join(sorted(wanted)) or 'nothing'}"

    def split_webhook_data(self) -> Iterator[Page]:
        """Pages of points and workouts, some thousand at a time, decoded as they are stored."""
        for integration in self.integrations:
            if integration.instance_type == METRICS:
                yield from self._metric_pages(integration)
            else:
                yield from self._workout_pages(integration)

    def _metric_pages(self, integration: Integration) -> Iterator[Page]:
        for metric in self._export.metrics():
            context = {
                "metric": metric.name or "unnamed",
                "units": metric.units,
                "aggregation": self._aggregation,
            }
            for points in _slices(metric.points, POINTS_AT_ONCE):
                yield Page(AppleHealthMetricData, map(item, points), context=context, integration=integration)

    def _workout_pages(self, integration: Integration) -> Iterator[Page]:
        by_key = sorted(self._export.workouts(), key=lambda raw: key_of(item(raw)))
        for workouts in _slices(by_key, WORKOUTS_AT_ONCE):
            yield Page(
                AppleHealthWorkoutData, map(item, workouts), together=together, integration=integration
            )


def together(workout: Any) -> str:
    """What keeps workouts in one chunk: their id; one without stands alone."""
    return key_of(workout) or f"{text(workout.get('start'))}|{text(workout.get('end'))}"


def _slices(parts: list[msgspec.Raw], size: int) -> Iterator[list[msgspec.Raw]]:
    iterator = iter(parts)
    while some := list(islice(iterator, size)):
        yield some
