"""From drafts to table rows: ids, checked values, content hashes."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson
from django.db import models
from django.utils import timezone

from integrations.http.errors import RecordError
from integrations.models import Block, Event, EventObject
from integrations.sync import checks
from integrations.sync.activity import keys
from integrations.sync.activity.drafts import BlockDraft, Draft, EventDraft, Measure, ObjectDraft

_INT64 = 2**63
_INT32 = 2**31
Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Scope:
    """Whose activity is written, from which service, when it was received, and by which run."""

    integration_id: int
    user_id: int
    service: str
    received_at: datetime
    run_id: UUID | None


@dataclass(slots=True)
class ItemRows:
    """The rows that one record of the vendor comes to, by table."""

    index: int
    source_id: str
    objects: dict[UUID, Row] = field(default_factory=dict)
    events: dict[UUID, Row] = field(default_factory=dict)
    blocks: dict[UUID, Row] = field(default_factory=dict)

    @property
    def primary(self) -> dict[UUID, Row]:
        """What the record is counted by: its events, or its objects where it has no event."""
        return self.events or self.objects


class RowBuilder:
    """Makes the rows of one chunk. Raises RecordError for values that no database takes."""

    def __init__(self, scope: Scope) -> None:
        self._scope = scope
        self._now = timezone.now()

    def build(self, item: ItemRows, drafts: list[Draft]) -> ItemRows:
        """Add the rows of these drafts to an item. Raises RecordError."""
        for draft in drafts:
            if isinstance(draft, EventDraft):
                self._add_event(item, draft)
            else:
                self._add_object(item, draft)
        return item

    def _add_object(self, item: ItemRows, draft: ObjectDraft) -> UUID:
        scope = self._scope
        values = {
            "user_id": scope.user_id,
            "service": scope.service,
            **_texts(EventObject, draft, "concept", "type", "natural_key", "external_id", "title", "content"),
            **_texts(EventObject, draft, "url", "media_url"),
            "time": _moment(draft.time, "time"),
            "metadata": _plain(draft.metadata),
        }
        key_type = draft.key_type or draft.type
        pk = keys.object_id(scope.user_id, scope.service, draft.concept, key_type, draft.natural_key)
        row = self._finished(pk, values)
        if draft.stub:
            row["received_at"] = None
        if pk not in item.objects or not draft.stub:
            item.objects[pk] = row
        return pk

    def _add_event(self, item: ItemRows, draft: EventDraft) -> None:
        scope = self._scope
        pk = keys.event_id(scope.integration_id, draft.source_id)
        moment = _moment(draft.time, "time")
        if moment is None:
            raise RecordError("the event has no time", code="missing", field="time")
        values = {
            "integration_id": scope.integration_id,
            "service": scope.service,
            **_texts(Event, draft, "source_id", "domain", "action"),
            "time": moment,
            "actor_id": self._add_object(item, draft.actor),
            "actor_metadata": _plain(draft.actor_metadata),
            "target_id": self._add_object(item, draft.target),
            "target_metadata": _plain(draft.target_metadata),
            "event_metadata": _plain(draft.metadata),
            **_measured(draft.measure, draft.unit),
        }
        item.events[pk] = self._finished(pk, values, deleted=draft.deleted)
        for block in draft.blocks:
            self._add_block(item, pk, block)

    def _add_block(self, item: ItemRows, event: UUID, draft: BlockDraft) -> None:
        pk = keys.block_id(event, draft.block_type, draft.title)
        values = {
            "event_id": event,
            **_texts(Block, draft, "block_type", "title", "url", "media_url"),
            "time": _moment(draft.time, "time"),
            "metadata": _plain(draft.metadata),
            **_measured(draft.measure, draft.unit),
        }
        item.blocks[pk] = self._finished(pk, values)

    def _finished(self, pk: UUID, values: Row, *, deleted: bool = False) -> Row:
        return {
            "id": pk,
            **values,
            "content_hash": _content_hash(values),
            "last_run_id": self._scope.run_id,
            "received_at": self._scope.received_at,
            "created_at": self._now,
            "updated_at": self._now,
            "deleted_at": self._now if deleted else None,
        }


def _texts(model: type[models.Model], draft: Any, *names: str) -> Row:
    """Text columns, checked to fit."""
    return {name: checks.text(getattr(draft, name), model._meta.get_field(name), name) for name in names}  # type: ignore[arg-type]


def _measured(number: Measure, unit: str) -> Row:
    value, multiplier = number
    if value is not None and not (isinstance(value, int) and abs(value) < _INT64):
        raise RecordError(f"value is out of range: {str(value)[:40]}", code="out_of_range", field="value")
    if multiplier is not None and not 0 < multiplier < _INT32:
        raise RecordError(f"multiplier is out of range: {multiplier}", code="out_of_range", field="value")
    unit = checks.text(unit, Event._meta.get_field("value_unit"), "unit")
    return {"value": value, "value_multiplier": multiplier, "value_unit": unit}


def _moment(moment: datetime | None, source: str) -> datetime | None:
    if moment is not None and timezone.is_naive(moment):
        raise RecordError(f"{source} has no time zone: {moment}", code="wrong_type", field=source)
    return moment


def _plain(metadata: Mapping[str, Any]) -> Any:
    """The metadata as JSON columns hold it. Raises RecordError for what they cannot hold."""
    try:
        packed = orjson.dumps(dict(metadata), default=str, option=orjson.OPT_NON_STR_KEYS)
    except TypeError as error:
        raise RecordError(
            f"metadata cannot be stored: {error}", code="wrong_type", field="metadata"
        ) from None
    plain = orjson.loads(packed)
    if b"\\u0000" in packed:
        _refuse_nul(plain)
    return plain


def _refuse_nul(value: Any) -> None:
    if isinstance(value, str):
        checks.storable(value, "metadata")
    elif isinstance(value, dict):
        for key, inner in value.items():
            checks.storable(key, "metadata")
            _refuse_nul(inner)
    elif isinstance(value, list):
        for inner in value:
            _refuse_nul(inner)


def _content_hash(values: Row) -> str:
    packed = orjson.dumps(values, option=orjson.OPT_SORT_KEYS)
    return hashlib.blake2b(packed, digest_size=16).hexdigest()
