"""Which rows a listing has shown so far: one bit a row, small enough to be kept in the cursor."""

from __future__ import annotations

import base64
import zlib
from collections.abc import Iterable

MAX_KEPT_BYTES = 256 * 1024


class SeenRows:
    """A set of primary keys that survives the process as text."""

    def __init__(self, kept: str = "") -> None:
        self._bits = bytearray(zlib.decompress(base64.b85decode(kept)) if kept else b"")

    def add(self, pks: Iterable[int]) -> None:
        """Note these rows."""
        bits = self._bits
        pks = list(pks)
        missing = max(pks, default=0) // 8 + 1 - len(bits)
        if missing > 0:
            bits.extend(bytes(missing))
        for pk in pks:
            bits[pk >> 3] |= 1 << (pk & 7)

    def __contains__(self, pk: int) -> bool:
        return pk >> 3 < len(self._bits) and bool(self._bits[pk >> 3] & 1 << (pk & 7))

    def kept(self) -> str | None:
        """The set as text; None when it would be too large to keep with every batch."""
        text = base64.b85encode(zlib.compress(self._bits, level=1)).decode()
        return text if len(text) <= MAX_KEPT_BYTES else None
