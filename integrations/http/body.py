"""Reading a reply's body completely, within a byte limit, or not at all."""

import io
import zlib

from urllib3.exceptions import HTTPError
from urllib3.response import HTTPResponse

from integrations.http.errors import BadReply, BodyTooLarge, ConnectionFailed, IntegrationError

ACCEPT_ENCODING = "gzip"
_CHUNK_BYTES = 65_536
_ERROR_BODY_BYTES = 262_144


def read_body(raw: HTTPResponse, *, limit: int, where: str) -> bytes:
    """The decompressed body; its connection is free for the next request afterwards.

    Raises BodyTooLarge when it has more than `limit` bytes on the wire or decompressed, ConnectionFailed
    when compressed data ends early, BadReply for an encoding that was not asked for or is not what it
    claims to be, and urllib3's errors when the connection fails or ends early. `where` begins the messages.
    """
    if (raw.length_remaining or 0) > limit:
        raise BodyTooLarge(f"{where}: the body has {raw.length_remaining} bytes, the limit is {limit}")
    decoder = _decoder(raw.headers.get("Content-Encoding", ""), where)
    body, received = io.BytesIO(), 0
    for chunk in raw.stream(_CHUNK_BYTES, decode_content=False):
        received += len(chunk)
        if received > limit:
            raise BodyTooLarge(f"{where}: the body has more than {limit} bytes")
        body.write(decoder.decode(chunk, room=limit - body.tell()) if decoder else chunk)
    if decoder:
        decoder.finish()
    return body.getvalue()


def read_error_body(raw: HTTPResponse) -> bytes:
    """The body of a reply that is an error anyway, or nothing when it is unreadable or over 256 KiB."""
    try:
        return read_body(raw, limit=_ERROR_BODY_BYTES, where="error reply")
    except (IntegrationError, HTTPError, OSError):
        return b""


class _Gzip:
    """Gzip with one or more members; never holds more than `room` bytes plus one of output."""

    def __init__(self, where: str) -> None:
        self._where = where
        self._member = zlib.decompressobj(zlib.MAX_WBITS | 16)
        self._begun = False

    def decode(self, data: bytes, *, room: int) -> bytes:
        pieces: list[bytes] = []
        while data:
            if self._member.eof:
                if data[0] != 0x1F:
                    break
                self._member = zlib.decompressobj(zlib.MAX_WBITS | 16)
            self._begun = True
            try:
                piece = self._member.decompress(data, room + 1)
            except zlib.error:
                raise BadReply(f"{self._where}: the body is not the gzip data its header promises") from None
            room -= len(piece)
            if room < 0:
                raise BodyTooLarge(f"{self._where}: the body grows beyond the limit when decompressed")
            pieces.append(piece)
            data = self._member.unconsumed_tail or self._member.unused_data
        return b"".join(pieces)

    def finish(self) -> None:
        if self._begun and not self._member.eof:
            raise ConnectionFailed(f"{self._where}: the compressed body ended early")


def _decoder(encoding: str, where: str) -> _Gzip | None:
    name = encoding.strip().lower()
    if name in {"", "identity"}:
        return None
    if name in {"gzip", "x-gzip"}:
        return _Gzip(where)
    raise BadReply(f"{where}: the body has the encoding {name[:40]!r}, which was not asked for")
