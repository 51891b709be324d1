"""The one redaction of the product: text, values, URLs, excerpts and log records.

Anything that leaves a process (log line, ledger row, error message, alert) passes through here first. Three
things are removed: values of sensitive names (`password=...`, `"token": "..."`), credentials of known shapes
(`Bearer ...`, URL userinfo) and secrets registered at run time, wherever they show up. Every function is
idempotent and never raises on odd input. In doubt it redacts too much rather than too little.
"""

import json
import logging
import re
import threading
from collections import OrderedDict
from collections.abc import Mapping
from datetime import date, time, timedelta
from decimal import Decimal
from typing import Any
from urllib.parse import quote, quote_plus, unquote
from uuid import UUID

REDACTED = "[redacted]"
MIN_SECRET_LENGTH = 6
_MAX_SECRETS = 1024
_MAX_DEPTH = 40
_MAX_PASSES = 8  # a replacement may complete another pair in mangled text; ordinary text needs two passes
_MAX_JSON_EXCERPT = 65_536

_SENSITIVE_ENDINGS = (
    "password", "passwd", "passphrase", "token", "secret", "key", "auth", "signature", "code", "cookie",
    "authorization", "credential", "credentials",
)  # fmt: skip
_SENSITIVE_NAMES = frozenset({"tokens", "secrets", "passwords", "cookies", "pwd", "sig", "jwt", "otp"})

# Names that end in "key" or "code" and hold nothing secret, without separators; a longer name that ends in
# one of them (`last_error_code`) is harmless too. Add only names that no vendor uses for a credential.
_HARMLESS_ENDINGS = (
    "statuscode", "errorcode", "exitcode", "returncode", "reasoncode", "responsecode", "resultcode",
    "httpcode", "workordercode", "unitcode", "speciescode", "regioncode", "typecode", "productcode",
    "categorycode", "countrycode", "currencycode", "languagecode", "postalcode", "zipcode", "postcode",
    "areacode", "statecode", "barcode", "geocode", "unicode", "encode", "decode", "keycode",
    "uniquekey", "lockkey", "primarykey", "foreignkey", "naturalkey", "cachekey", "sortkey", "partitionkey",
    "idempotencykey", "dedupekey", "publickey", "monkey", "donkey", "turkey", "hockey", "jockey", "whiskey",
)  # fmt: skip

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
_BEARER = re.compile(
    r"\b(bearer\s+)(?!(?:tokens?|auth|authentication|authorization|access|credentials?|scheme|header|realm"
    r"|challenge|is|was|or|and|not|of|required|missing|invalid)\b)[A-Za-z0-9._~+/\-]{3,}+=*",
    re.IGNORECASE,
)
_BASIC = re.compile(
    r"\b([Bb]asic\s+|BASIC\s+)(?=[a-zA-Z0-9+/_\-][a-z_\-]*+[A-Z0-9+/=])[A-Za-z0-9+/_\-]{4,}+={0,2}"
)
_USERINFO = re.compile(r"""(://)[^/\s?#"'<>\\]{1,512}@""")
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")

_lock = threading.Lock()
_registered: OrderedDict[str, None] = OrderedDict()
_longest_first: tuple[str, ...] = ()


def register_secret(value: str | bytes | None) -> None:
    """Make a known secret disappear from everything redacted in this process from now on.

    Its URL-quoted and JSON-escaped spellings go with it. Values shorter than `MIN_SECRET_LENGTH` characters
    are ignored: removing them would mangle ordinary text. The newest 1,024 spellings are kept.
    """
    global _longest_first
    text = _as_text(value).strip()
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


def is_sensitive_name(name: object) -> bool:
    """Whether a key, header or parameter of this name holds a secret (case and separators do not matter)."""
    text = _as_text(name)
    compact = re.sub(r"[^a-z0-9]", "", (unquote(text) if "%" in text else text).lower())
    if compact.endswith(_HARMLESS_ENDINGS):
        return False
    return compact in _SENSITIVE_NAMES or compact.endswith(_SENSITIVE_ENDINGS)


def redact_text(text: str) -> str:
    """The text without registered secrets, sensitive pairs, Basic and Bearer credentials, URL userinfo."""
    clean = _as_text(text)
    for _ in range(_MAX_PASSES):
        before, clean = clean, _redacted_once(clean)
        if clean == before:
            break
    return clean


def redact_url(url: str) -> str:
    """The URL without userinfo, values of sensitive parameters and registered secrets in its path."""
    return redact_text(url)


def redact_value(value: Any) -> Any:
    """A copy of nested data without secrets: values under sensitive keys go, all other text is redacted.

    Numbers, dates, booleans and None stay as they are (a boolean or None under a sensitive key too). Bytes
    and unknown objects become redacted text, sets become lists, a cycle or a depth over 40 becomes a
    marker.
    """
    return _redacted(value, ())


def excerpt(value: Any, limit: int = 500) -> str:
    """At most `limit` characters of redacted, single-line, storable text from a body or any object."""
    if isinstance(value, (str, bytes, bytearray, memoryview)):
        text = _excerpt_of_body(value, window=8 * limit + 2048)
    else:
        text = _dumped(redact_value(value))
    line = " ".join(text.split())
    return line if len(line) <= limit else line[: max(limit - 1, 0)] + "…"


class RedactingFilter(logging.Filter):
    """Cleans a record in place: message, arguments, extra fields, traceback text and stack."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Redact and always let the record through; one that cannot be redacted loses its text."""
        try:
            self._clean_message(record)
            self._clean_rest(record)
        except Exception:  # logging must neither fail nor leak
            record.msg, record.args = "[log record could not be redacted]", ()
            record.exc_info = record.exc_text = record.stack_info = None
        return True

    @staticmethod
    def _clean_message(record: logging.LogRecord) -> None:
        """Arguments are cleaned one by one, as formatters may use them; the whole is replaced if need be."""
        if not record.args:
            record.msg = redact_text(str(record.msg))
            return
        if isinstance(record.args, Mapping):
            record.args = redact_value(record.args)
        else:
            record.args = tuple(redact_text(one) if isinstance(one, str) else one for one in record.args)
        message = record.getMessage()
        clean = redact_text(message)
        if clean != message:
            record.msg, record.args = clean, ()

    @staticmethod
    def _clean_rest(record: logging.LogRecord) -> None:
        if record.exc_info and not record.exc_text:
            record.exc_text = logging.Formatter().formatException(record.exc_info)
        record.exc_text = redact_text(record.exc_text) if record.exc_text else record.exc_text
        record.stack_info = redact_text(record.stack_info) if record.stack_info else record.stack_info
        for name in record.__dict__.keys() - _RECORD_FIELDS:
            extra = record.__dict__[name]
            if isinstance(extra, (str, bytes, Mapping, list, tuple)):
                record.__dict__[name] = _redacted_member(name, extra, ())


_RECORD_FIELDS = logging.makeLogRecord({}).__dict__.keys() | {"message", "asctime", "taskName"}


def _as_text(value: object) -> str:
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    if isinstance(value, (bytes, bytearray, memoryview)):
        return bytes(value).decode("utf-8", errors="replace")
    try:
        return str(value)
    except Exception:  # any object may have a broken __str__
        return f"[unprintable {type(value).__name__}]"


def _redacted_once(text: str) -> str:
    clean = _USERINFO.sub(rf"\1{REDACTED}@", _without_registered(text))
    clean = _BEARER.sub(rf"\1{REDACTED}", _without_pairs(clean))
    return _BASIC.sub(rf"\1{REDACTED}", clean)


def _without_registered(text: str) -> str:
    for secret in _longest_first:
        if secret in text:
            text = text.replace(secret, REDACTED)
    return text


def _without_pairs(text: str) -> str:
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


def _redacted(value: Any, path: tuple[int, ...]) -> Any:
    if value is None or isinstance(value, (bool, int, float, Decimal, date, time, timedelta, UUID)):
        return value
    if not isinstance(value, (Mapping, list, tuple, set, frozenset)):
        return redact_text(_as_text(value))
    if id(value) in path:
        return "[cycle]"
    if len(path) >= _MAX_DEPTH:
        return "[too deep]"
    inner = (*path, id(value))
    try:
        return _redacted_container(value, inner)
    except Exception:  # a container of someone else's may fail in any way
        return f"[unprintable {type(value).__name__}]"


def _redacted_container(value: Any, path: tuple[int, ...]) -> Any:
    if isinstance(value, Mapping):
        return {_redacted_key(key): _redacted_member(key, member, path) for key, member in value.items()}
    if isinstance(value, tuple):
        if len(value) == 2 and isinstance(value[0], (str, bytes)):
            return (_redacted(value[0], path), _redacted_member(value[0], value[1], path))
        return tuple(_redacted(member, path) for member in value)
    return [_redacted(member, path) for member in value]


def _redacted_key(key: Any) -> Any:
    return _without_registered(key) if isinstance(key, str) else key


def _redacted_member(name: object, value: Any, path: tuple[int, ...]) -> Any:
    if isinstance(name, (str, bytes)) and is_sensitive_name(name):
        return value if value is None or isinstance(value, bool) or value in ("", b"") else REDACTED
    return _redacted(value, path)


def _excerpt_of_body(body: str | bytes | bytearray | memoryview, window: int) -> str:
    if len(body) <= _MAX_JSON_EXCERPT:
        try:
            return _dumped(redact_value(json.loads(_as_text(body))))
        except (ValueError, RecursionError):
            pass
    overlap = len(_longest_first[0]) if _longest_first else 0
    text = _storable(_as_text(body[: window + overlap]))
    clean = redact_text(text)
    return clean if len(body) <= window + overlap else clean[: max(len(clean) - overlap, 0)]


def _dumped(value: Any) -> str:
    if isinstance(value, str):
        return _storable(value)
    try:
        return _storable(json.dumps(value, default=_as_text, ensure_ascii=False))
    except (TypeError, ValueError, RecursionError):
        return _storable(_as_text(value))


def _storable(text: str) -> str:
    """Text a database takes: no control characters (PostgreSQL refuses NUL), no lone surrogates."""
    return _CONTROL.sub("", text).encode("utf-8", errors="replace").decode("utf-8")
