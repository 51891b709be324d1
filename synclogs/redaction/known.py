"""Secrets that this process has seen, and how they are taken out of text."""

from __future__ import annotations

import json
import threading
from collections import OrderedDict
from urllib.parse import quote, quote_plus

from synclogs.redaction.words import REDACTED, as_text

MIN_SECRET_LENGTH = 6
_MAX_SECRETS = 1024

_lock = threading.Lock()
_registered: OrderedDict[str, None] = OrderedDict()
_longest_first: tuple[str, ...] = ()


def register_secret(value: str | bytes | None) -> None:
    """Make a known secret disappear from everything redacted in this process from now on.

    Its URL-quoted and JSON-escaped spellings go with it. Values shorter than `MIN_SECRET_LENGTH` characters
    are ignored: removing them would mangle ordinary text. The newest 1,024 spellings are kept.
    """
    global _longest_first
    text = as_text(value).strip()
    if len(text) < MIN_SECRET_LENGTH or text in REDACTED:
        return
    spellings = {text, json.dumps(text)[1:-1], json.dumps(text, ensure_ascii=False)[1:-1]}
    spellings |= {quote(text, safe="", errors="replace"), quote_plus(text, errors="replace")}
    with _lock:
        for spelling in spellings:
            _registered[spelling] = None
            _registered.move_to_end(spelling)
        while len(_registered) > _MAX_SECRETS:
            _registered.popitem(last=False)
        _longest_first = tuple(sorted(_registered, key=len, reverse=True))


def without_registered(text: str) -> str:
    """The text without any of them."""
    for secret in _longest_first:
        if secret in text:
            text = text.replace(secret, REDACTED)
    return text


def longest() -> int:
    """How long the longest of them is."""
    return len(_longest_first[0]) if _longest_first else 0
