"""Live events as server-sent events: what is new on some channels, resuming after the last one heard."""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import AsyncIterator, Sequence
from functools import partial

from django.core.serializers.json import DjangoJSONEncoder
from django.db import Error as DatabaseError

from accounts.models import User
from operations.live.pollers import in_poller
from synclogs.live import LiveMessage, LiveReader, Position

logger = logging.getLogger("syncplatform.live")

POLL_SECONDS = 0.7
HEARTBEAT_SECONDS = 15.0
CONNECTION_SECONDS = 120.0
RECONNECT_MS = 1000


async def event_stream(
    user: User, channels: Sequence[str], position: Position | None
) -> AsyncIterator[bytes]:
    """Events as they come, for two minutes; the browser then reconnects, and rights are checked again.

    A database that is away is waited for.
    """
    reader = await in_poller(partial(LiveReader, user, channels, position))
    ends_at = time.monotonic() + CONNECTION_SECONDS
    spoken_at = time.monotonic()
    yield f"retry: {RECONNECT_MS}\nid: {reader.position}\n: listening\n\n".encode()
    while time.monotonic() < ends_at:
        messages = await _news(reader)
        for message in messages:
            yield encode(message)
        now = time.monotonic()
        if messages:
            spoken_at = now
        elif now - spoken_at > HEARTBEAT_SECONDS:
            spoken_at = now
            yield b": still here\n\n"
        await asyncio.sleep(POLL_SECONDS)


async def _news(reader: LiveReader) -> list[LiveMessage]:
    try:
        return await in_poller(reader.read)
    except DatabaseError as error:
        logger.warning("live events cannot be read for now: %s", error)
        return []


def encode(message: LiveMessage) -> bytes:
    """One message in the wire form of server-sent events; its `id` is the position to resume from."""
    fields = {name: value for name, value in message.items() if name != "position"}
    data = json.dumps(fields, cls=DjangoJSONEncoder)
    return f"id: {message['position']}\nevent: {message['kind']}\ndata: {data}\n\n".encode()
