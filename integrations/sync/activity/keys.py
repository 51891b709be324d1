"""Primary keys that follow from natural keys: rows can point to each other before they are written."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid5

import orjson

NAMESPACE = UUID("6f0d3c52-93c7-5d6e-9a0b-1d1c34a7f0e2")


def object_id(user_id: int, service: str, concept: str, key_type: str, natural_key: str) -> UUID:
    """The id of a user's object."""
    return _key("object", user_id, service, concept, key_type, natural_key)


def event_id(integration_id: int, source_id: str) -> UUID:
    """The id of a connection's event."""
    return _key("event", integration_id, source_id)


def block_id(event: UUID, block_type: str, title: str) -> UUID:
    """The id of an event's block."""
    return _key("block", event.hex, block_type, title)


def _key(*parts: Any) -> UUID:
    return uuid5(NAMESPACE, orjson.dumps(parts).decode())
