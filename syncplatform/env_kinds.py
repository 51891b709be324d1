"""The kinds of value an environment variable may hold: how each is read and how each is described."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import environ

TRUE_WORDS = frozenset({"true", "on", "yes", "1"})
FALSE_WORDS = frozenset({"false", "off", "no", "0"})


@dataclass(frozen=True)
class Kind:
    """One kind of value.

    Attributes:
        expected: What a correct value looks like, as said in messages and documentation.
        parse: Turns the text of a variable into its value; raises ValueError when it is malformed.
    """

    expected: str
    parse: Callable[[str], Any]


def _flag(raw: str) -> bool:
    word = raw.strip().lower()
    if word in TRUE_WORDS:
        return True
    if word in FALSE_WORDS:
        return False
    raise ValueError(raw)


def _number(raw: str) -> float:
    value = float(raw)
    if not math.isfinite(value):
        raise ValueError(raw)
    return value


def _items(raw: str) -> list[str]:
    items: list[str] = environ.Env.parse_value(raw, list)
    return [item.strip() for item in items if item.strip()]


def _url(raw: str) -> str:
    parts = urlsplit(raw.strip())
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError(raw)
    _ = parts.port
    return raw.strip()


def _origins(raw: str) -> list[str]:
    origins = _items(raw)
    for origin in origins:
        parts = urlsplit(origin)
        if parts.scheme not in {"http", "https"} or not parts.netloc or parts.path.strip("/"):
            raise ValueError(origin)
    return origins


def _database(raw: str) -> dict[str, Any]:
    if urlsplit(raw).scheme not in {"postgres", "postgresql", "sqlite"}:
        raise ValueError(raw)
    config: dict[str, Any] = environ.Env.db_url_config(raw)
    if not config.get("NAME"):
        raise ValueError(raw)
    return config


def _redis(raw: str) -> str:
    parts = urlsplit(raw.strip())
    if parts.scheme not in {"redis", "rediss", "unix"} or not (parts.hostname or parts.path):
        raise ValueError(raw)
    _ = parts.port
    return raw.strip()


def _header(raw: str) -> tuple[str, str]:
    name, separator, value = raw.partition(":")
    if not separator or not name.strip() or not value.strip():
        raise ValueError(raw)
    return "HTTP_" + name.strip().upper().replace("-", "_"), value.strip()


TEXT = Kind("text", str)
FLAG = Kind("true or false (also on/off, yes/no, 1/0)", _flag)
INTEGER = Kind("a whole number", int)
NUMBER = Kind("a number", _number)
ITEMS = Kind("a comma-separated list", _items)
URL = Kind("an http:// or https:// URL", _url)
ORIGINS = Kind("a comma-separated list of origins such as https://sync.example.com", _origins)
DATABASE = Kind("postgres://USER:PASSWORD@HOST:PORT/NAME or sqlite:///PATH", _database)
REDIS = Kind("redis://[:PASSWORD@]HOST:PORT/DB, rediss://… or unix://PATH", _redis)
HEADER = Kind("a header and its value, such as X-Forwarded-Proto: https", _header)
