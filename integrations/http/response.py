"""What a successful call returns, and the usual way to read it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from integrations.http.errors import BadReply


@dataclass(frozen=True, slots=True)
class ApiResponse:
    """A complete reply with a 2xx or 304 status.

    `headers` finds names in any case, `content` is decompressed, `url` is redacted, `elapsed` is the
    seconds of the successful attempt with its body, `attempts` counts from 1. Headers and content are kept
    out of `repr`.
    """

    status: int
    headers: Mapping[str, str] = field(repr=False)
    content: bytes = field(repr=False)
    url: str
    elapsed: float
    attempts: int


def json_body(response: ApiResponse) -> Any:
    """The body as JSON, whatever the Content-Type says; pass it as `parse` to retry a reply that is none.

    UTF-8 with or without a byte order mark, else Windows-1252. Raises BadReply.
    """
    try:
        return orjson.loads(response.content)
    except orjson.JSONDecodeError:
        pass
    try:
        return json.loads(decoded(response.content))
    except (ValueError, RecursionError):
        raise BadReply(
            f"the body of HTTP {response.status} from {response.url} is not JSON",
            status=response.status,
            excerpt=response.content[:4096],
        ) from None


def json_object(content: bytes) -> dict[str, Any]:
    """The object that an error's body may be; empty for any other JSON, HTML or nothing."""
    try:
        found = orjson.loads(content)
    except orjson.JSONDecodeError:
        return {}
    return found if isinstance(found, dict) else {}


def decoded(content: bytes) -> str:
    """The text of a body: UTF-8 with or without a byte order mark, else Windows-1252 (UnicodeDecodeError)."""
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("cp1252")
