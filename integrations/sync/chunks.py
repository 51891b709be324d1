"""Cutting what was fetched or received into chunks that are stored, processed and replayed on their own."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import orjson

CHUNK_MAX_ITEMS = 100
CHUNK_MAX_BYTES = 256 * 1024


@dataclass(frozen=True, slots=True)
class Chunk:
    """Some items as canonical JSON text: a list. `byte_size` is that of the text in UTF-8."""

    body: str
    item_count: int
    byte_size: int
    sha256: str


def canonical(value: Any) -> bytes:
    """JSON with sorted keys and without spaces: equal values give equal bytes.

    Raises TypeError for what JSON cannot hold.
    """
    try:
        return orjson.dumps(value, option=orjson.OPT_SORT_KEYS | orjson.OPT_NON_STR_KEYS)
    except TypeError:  # whole numbers beyond 64 bits and halves of surrogate pairs
        return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()


def split(
    items: Iterable[Any],
    *,
    max_items: int = CHUNK_MAX_ITEMS,
    max_bytes: int = CHUNK_MAX_BYTES,
    together: Callable[[Any], str] | None = None,
) -> Iterator[Chunk]:
    """Chunks of at most `max_items` items and `max_bytes` bytes, in the items' order.

    No item is cut: one that is larger is a chunk of its own. Items for which `together` gives the same text
    stay in one chunk, at the place of the first of them, however large it becomes.
    """
    held: list[bytes] = []
    size = 2
    for unit in _units(items, together):
        added = sum(map(len, unit)) + len(unit)
        if held and (len(held) + len(unit) > max_items or size + added > max_bytes):
            yield _chunk(held)
            held, size = [], 2
        held += unit
        size += added
    if held:
        yield _chunk(held)


def halves(items: list[Any], together: Callable[[Any], str] | None = None) -> list[Chunk]:
    """The items in two chunks; in one when they have to stay together."""
    units = list(_units(items, together))
    if len(units) < 2:
        return [_chunk([packed for unit in units for packed in unit])]
    middle = len(units) // 2
    return [_chunk([packed for unit in part for packed in unit]) for part in (units[:middle], units[middle:])]


def _units(items: Iterable[Any], together: Callable[[Any], str] | None) -> Iterator[list[bytes]]:
    if together is None:
        for item in items:
            yield [canonical(item)]
        return
    groups: dict[str, list[bytes]] = {}
    for item in items:
        groups.setdefault(together(item), []).append(canonical(item))
    yield from groups.values()


def _chunk(packed: list[bytes]) -> Chunk:
    body = b"[" + b",".join(packed) + b"]"
    return Chunk(body.decode(), len(packed), len(body), hashlib.sha256(body).hexdigest())
