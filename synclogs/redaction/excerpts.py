"""Short, storable pieces of what a vendor sent."""

from __future__ import annotations

import json
import re
from typing import Any

from synclogs.redaction.known import longest
from synclogs.redaction.text import redact_text
from synclogs.redaction.values import redact_value
from synclogs.redaction.words import as_text

_MAX_JSON_EXCERPT = 65_536
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")


def excerpt(value: Any, limit: int = 500) -> str:
    """At most `limit` characters of redacted, single-line, storable text from a body or any object."""
    if isinstance(value, (str, bytes, bytearray, memoryview)):
        text = _excerpt_of_body(value, window=8 * limit + 2048)
    else:
        text = _dumped(redact_value(value))
    line = " ".join(text.split())
    return line if len(line) <= limit else line[: max(limit - 1, 0)] + "…"


def _excerpt_of_body(body: str | bytes | bytearray | memoryview, window: int) -> str:
    if len(body) <= _MAX_JSON_EXCERPT:
        try:
            return _dumped(redact_value(json.loads(as_text(body))))
        except (ValueError, RecursionError):
            pass
    overlap = longest()
    text = _storable(as_text(body[: window + overlap]))
    clean = redact_text(text)
    return clean if len(body) <= window + overlap else clean[: max(len(clean) - overlap, 0)]


def _dumped(value: Any) -> str:
    if isinstance(value, str):
        return _storable(value)
    try:
        return _storable(json.dumps(value, default=as_text, ensure_ascii=False))
    except (TypeError, ValueError, RecursionError):
        return _storable(as_text(value))


def _storable(text: str) -> str:
    """Text a database takes: no control characters (PostgreSQL refuses NUL), no lone surrogates."""
    return _CONTROL.sub("", text).encode("utf-8", errors="replace").decode("utf-8")
