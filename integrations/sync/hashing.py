"""The two hashes of a received record, and what its fields are."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import msgspec

_decode = msgspec.json.Decoder(float_hook=Decimal).decode
_encode_sorted = msgspec.json.Encoder(order="sorted", decimal_format="number").encode
_MISSING = object()


def hasher(mapping_version: int) -> Callable[[Any], str]:
    """A hash of bytes, as 32 hex digits, that another mapping version gives another value."""
    person = str(mapping_version).encode()
    blake2b = hashlib.blake2b
    return lambda data: blake2b(data, digest_size=16, person=person).hexdigest()


def document(raw: msgspec.Raw | bytes) -> Any:
    """The record as plain values with exact numbers. Raises msgspec.DecodeError."""
    return _decode(raw)


def canonical(fields: Any) -> bytes:
    """What a record says, whatever the order of its names."""
    return _encode_sorted(fields)


def changed_names(before: Any, after: Any, most: int) -> tuple[str, ...]:
    """The top-level names whose values differ, in alphabetical order."""
    if not isinstance(before, dict) or not isinstance(after, dict):
        return ()
    names = before.keys() | after.keys()
    return tuple(sorted(n for n in names if before.get(n, _MISSING) != after.get(n, _MISSING))[:most])


def holds_nul(value: Any) -> bool:
    """Whether any text in a document holds NUL, which PostgreSQL does not store."""
    if isinstance(value, str):
        return "\x00" in value
    if isinstance(value, dict):
        return any("\x00" in name or holds_nul(inner) for name, inner in value.items())
    return isinstance(value, list) and any(map(holds_nul, value))
