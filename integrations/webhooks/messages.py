"""A webhook as it came in, and what is answered."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

import msgspec


class Malformed(Exception):
    """An authenticated body that makes no sense; the sender gets a 400 with this text."""


@dataclass(frozen=True, slots=True)
class Head:
    """What is known before the body is read. `headers` are by lower-case name; `key` is a secret."""

    provider: str
    key: str = field(repr=False)
    method: str
    headers: Mapping[str, str] = field(repr=False)
    received_at: datetime
    query: str = field(default="", repr=False)

    def header(self, name: str) -> str:
        """A header's value, empty when it is not there."""
        return self.headers.get(name.lower(), "")


@dataclass(frozen=True, slots=True)
class Incoming:
    """A whole delivery. `body` is what was signed; `content` the same without compression."""

    head: Head
    body: bytes = field(repr=False)
    max_content_bytes: int

    def header(self, name: str) -> str:
        """A header's value, empty when it is not there."""
        return self.head.header(name)

    @property
    def content(self) -> bytes:
        """The body, inflated when it was sent gzipped.

        Raises Malformed for what cannot be inflated, or inflates beyond the limit.
        """
        encoding = self.header("content-encoding").strip().lower()
        return inflate(self.body, encoding, self.max_content_bytes)


def inflate(body: bytes, encoding: str, limit: int) -> bytes:
    """A body without its Content-Encoding. Raises Malformed, also beyond `limit` bytes."""
    if encoding in ("", "identity"):
        return body
    if encoding not in ("gzip", "x-gzip"):
        raise Malformed(f"Content-Encoding {encoding[:40]!r} is not understood; gzip is")
    inflater = zlib.decompressobj(16 + zlib.MAX_WBITS)
    try:
        content = inflater.decompress(body, limit + 1)
    except zlib.error as error:
        raise Malformed("the body is not gzip") from error
    if len(content) > limit:
        raise Malformed(f"the body inflates to more than {limit:,} bytes")
    if not inflater.eof:
        raise Malformed("the gzip body is cut off")
    return content


def json_object(content: bytes) -> dict[str, Any]:
    """The JSON object that a body is. Raises Malformed for anything else."""
    try:
        document = msgspec.json.decode(content)
    except (msgspec.DecodeError, UnicodeError, RecursionError, ValueError) as error:
        raise Malformed("the body is not JSON") from error
    if not isinstance(document, dict):
        raise Malformed("the body is not a JSON object")
    return document


@dataclass(frozen=True, slots=True)
class Reply:
    """An HTTP answer."""

    status: int = 200
    body: bytes = b""
    content_type: str = ""
    headers: tuple[tuple[str, str], ...] = ()

    @classmethod
    def json(cls, data: Any, status: int = 200) -> Reply:
        """An answer whose body is `data` as JSON."""
        return cls(status, msgspec.json.encode(data), "application/json")


@dataclass(frozen=True, slots=True)
class Denial:
    """Why a delivery is not taken. `reason` is the slug under which it is counted; empty: it is not."""

    status: int
    reason: str = ""
    error: str = ""
    headers: tuple[tuple[str, str], ...] = ()

    @property
    def reply(self) -> Reply:
        """What the sender hears."""
        if not self.error:
            return Reply(self.status, headers=self.headers)
        return replace(Reply.json({"error": self.error}, self.status), headers=self.headers)
