"""Values of sensitive names in text: `password=...`, `"token": "..."`, JSON within JSON, headers."""

from __future__ import annotations

import re

from synclogs.redaction.words import REDACTED, is_sensitive_name

# In prose ("bad key: x", "code: timeout") these words say nothing secret; as `key=`, `"key":` they do.
_WEAK_BEFORE_COLON = frozenset({"key", "code", "auth", "signature"})
_LINE_VALUES = frozenset({"authorization", "proxyauthorization"})
_EMPTY_VALUES = frozenset({"null", "None", "true", "false", "True", "False"})

_PAIR = re.compile(
    r"""(?P<quote>\\{0,7}+["'])(?P<quoted>[^"'\\\r\n]{1,64})(?P=quote)\s{0,20}(?P<sep1>=>|[:=,])\s{0,20}
      | (?<![\w.\-\[\]$])(?P<bare>(?:[\w.\-\[\]$]|%5[bBdD]){1,256}+)[ \t]{0,20}
        (?P<sep2>=(?![=~])|%3[dD]|:(?!//))[ \t]{0,20}""",
    re.VERBOSE,
)
_OPENING_QUOTE = re.compile(r"""b?(?P<slashes>\\{0,7}+)(?P<mark>["'])""")
_SCHEME_AND_RUN = re.compile(r"""(?:(?:basic|bearer|token|apikey)[ \t]+)?[^\s&"'<>]+""", re.IGNORECASE)
_KNOWN_SCHEME = re.compile(r"(?:basic|bearer)[ \t]", re.IGNORECASE)
_REST_OF_LINE = re.compile(r"[^\r\n]*")
_STRUCTURE = re.compile(r"""["'{}\[\]]""")


def without_pairs(text: str) -> str:
    """The text without them."""
    kept: list[str] = []
    copied = search = 0
    while match := _PAIR.search(text, search):
        search = match.end()
        span = _secret_span(text, match)
        if span is not None and span[0] < span[1]:
            kept += [text[copied : span[0]], REDACTED]
            copied = search = span[1]
    kept.append(text[copied:])
    return "".join(kept)


def _secret_span(text: str, pair: re.Match[str]) -> tuple[int, int] | None:
    """Where the secret value that follows a `name:` or `name=` stands, or None when there is none."""
    name = pair["quoted"] or pair["bare"]
    if not is_sensitive_name(name):
        return None
    if pair["sep1"] == "," and not text.endswith(("(", "(b"), 0, pair.start()):
        return None
    compact = re.sub(r"[^a-z]", "", name.lower())
    if pair["sep2"] == ":" and compact in _WEAK_BEFORE_COLON:
        return None
    start = pair.end()
    if opening := _OPENING_QUOTE.match(text, start):
        return opening.end(), _string_end(text, opening.end(), opening["mark"], len(opening["slashes"]))
    if text.startswith(("{", "["), start) and not text.startswith(REDACTED, start):
        return start, _structure_end(text, start)
    return start, _run_end(text, start, compact, pair["sep2"])


def _run_end(text: str, start: int, compact: str, separator: str | None) -> int:
    """End of an unquoted value; headers of several words reach to the end of their line."""
    if compact.endswith("cookie"):
        whole_line = True
    else:
        whole_line = compact in _LINE_VALUES and separator == ":" and not _KNOWN_SCHEME.match(text, start)
    if whole_line and not text.startswith(REDACTED, start):
        return _REST_OF_LINE.match(text, start).end()  # type: ignore[union-attr]
    match = _SCHEME_AND_RUN.match(text, start)
    if match is None or match[0].rstrip(",}]") in _EMPTY_VALUES:
        return start
    run = match[0].rstrip(")]},;.")
    if run.endswith(REDACTED[:-1]) and match[0].startswith("]", len(run)):
        run += "]"
    return start + len(run)


def _string_end(text: str, start: int, mark: str, slashes: int) -> int:
    """Index of the mark that closes a string opened by `slashes` backslashes and a mark (JSON within JSON).

    Each level of nesting doubles the backslashes: a mark closes when the run before it is `slashes` more than
    a multiple of `2 * (slashes + 1)`. A string that is cut off ends with the text.
    """
    position = text.find(mark, start)
    while position >= 0:
        if _slashes_before(text, position, start) % (2 * (slashes + 1)) == slashes:
            return max(position - slashes, start)
        position = text.find(mark, position + 1)
    return len(text)


def _slashes_before(text: str, position: int, start: int) -> int:
    first = position
    while first > start and text[first - 1] == "\\":
        first -= 1
    return position - first


def _structure_end(text: str, start: int) -> int:
    """Index after the bracket that closes the object or list opened at `start`, or the end of the text."""
    depth, position = 0, start
    while match := _STRUCTURE.search(text, position):
        position = match.end()
        if match[0] in "\"'":
            slashes = _slashes_before(text, match.start(), start)
            position = _string_end(text, position, match[0], slashes) + slashes + 1
            continue
        depth += 1 if match[0] in "{[" else -1
        if depth == 0:
            return position
    return len(text)
