"""A transaction that never settled and is not shown any more: a hold that was reversed."""

from __future__ import annotations

from integrations.models import Event, EventObject
from integrations.sync.activity.drafts import EventDraft, Measure, ObjectDraft


def expired_event(event: Event) -> EventDraft:
    """The event as it is stored, its status `expired`."""
    return EventDraft(
        source_id=event.source_id,
        time=event.time,
        domain=event.domain,
        action=event.action,
        actor=_as_it_is(event.actor),
        target=_as_it_is(event.target),
        measure=Measure(event.value, event.value_multiplier),
        unit=event.value_unit,
        metadata={**event.event_metadata, "status": "expired"},
        actor_metadata=event.actor_metadata,
        target_metadata=event.target_metadata,
    )


def _as_it_is(row: EventObject) -> ObjectDraft:
    return ObjectDraft(row.concept, row.type, row.title, external_id=row.external_id, stub=True)
