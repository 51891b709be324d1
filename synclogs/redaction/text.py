"""Redaction of text."""

from __future__ import annotations

import re

from synclogs.redaction.known import without_registered
from synclogs.redaction.pairs import without_pairs
from synclogs.redaction.words import REDACTED, as_text

_MAX_PASSES = 8  # a replacement may complete another pair in mangled text; ordinary text needs two passes
_BEARER = re.compile(
    r"\b(bearer\s+)(?!(?:tokens?|auth|authentication|authorization|access|credentials?|scheme|header|realm"
    r"|challenge|is|was|or|and|not|of|required|missing|invalid)\b)[A-Za-z0-9._~+/\-]{3,}+=*",
    re.IGNORECASE,
)
_BASIC = re.compile(
    r"\b([Bb]asic\s+|BASIC\s+)(?=[a-zA-Z0-9+/_\-][a-z_\-]*+[A-Z0-9+/=])[A-Za-z0-9+/_\-]{4,}+={0,2}"
)
_USERINFO = re.compile(r"""(://)[^/\s?#"'<>\\]{1,512}@""")


def redact_text(text: str) -> str:
    """The text without registered secrets, sensitive pairs, Basic and Bearer credentials, URL userinfo."""
    clean = as_text(text)
    for _ in range(_MAX_PASSES):
        before, clean = clean, _redacted_once(clean)
        if clean == before:
            break
    return clean


def redact_url(url: str) -> str:
    """The URL without userinfo, values of sensitive parameters and registered secrets in its path."""
    return redact_text(url)


def _redacted_once(text: str) -> str:
    clean = _USERINFO.sub(rf"\1{REDACTED}@", without_registered(text))
    clean = _BEARER.sub(rf"\1{REDACTED}", without_pairs(clean))
    return _BASIC.sub(rf"\1{REDACTED}", clean)
