"""Cutting a reply into its records without decoding them, so that one bad record cannot spoil its page."""

from __future__ import annotations

import re
from typing import Generic, TypeVar

import msgspec

from integrations.http.errors import BadReply
from integrations.http.response import ApiResponse, decoded

EnvelopeT = TypeVar("EnvelopeT", bound=msgspec.Struct)

_ESCAPES = re.compile(
    rb"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|(u[dD][89a-fA-F][0-9a-fA-F]{2})|[^u])"
)


class EnvelopeReader(Generic[EnvelopeT]):
    """Reads what surrounds the records of a page; pass it as `parse` of a call.

    The envelope is a msgspec Struct whose records are `list[msgspec.Raw]`: each stays as the bytes that were
    received. Half a surrogate pair, which would spoil the whole page, becomes NUL, which spoils its record.
    """

    def __init__(self, envelope: type[EnvelopeT]) -> None:
        self._decoder = msgspec.json.Decoder(envelope)

    def __call__(self, response: ApiResponse) -> EnvelopeT:
        """The page. Raises BadReply when the body is no JSON or has another shape."""
        try:
            return self._decoder.decode(_as_utf8(response.content))
        except msgspec.ValidationError as error:
            raise self._bad(response, f"has another shape: {error}") from None
        except msgspec.DecodeError:
            pass
        try:
            return self._decoder.decode(without_lone_surrogates(_as_utf8(response.content)))
        except msgspec.ValidationError as error:
            raise self._bad(response, f"has another shape: {error}") from None
        except (msgspec.DecodeError, RecursionError) as error:
            raise self._bad(response, f"is not JSON: {error}") from None

    def _bad(self, response: ApiResponse, what: str) -> BadReply:
        return BadReply(
            f"the body of HTTP {response.status} from {response.url} {what}",
            status=response.status,
            excerpt=response.content[:4096],
        )


def without_lone_surrogates(body: bytes) -> bytes:
    """The JSON text with each escape of half a surrogate pair replaced by that of NUL."""
    return _ESCAPES.sub(lambda match: rb"\u0000" if match[1] else match[0], body)


def _as_utf8(body: bytes) -> bytes:
    """The body as it is when it is UTF-8; without its byte order mark, or from Windows-1252, otherwise."""
    if body.isascii():
        return body
    try:
        body.decode()
    except UnicodeDecodeError:
        return decoded(body).encode()
    return body.removeprefix(b"\xef\xbb\xbf")
