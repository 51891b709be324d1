"""How a reply is read off the wire: under the current deadline, and never with its headers cut short."""

import http.client
import io
import socket
from typing import Any, cast

from integrations.http.deadline import Deadline, DeadlineReader, current_deadline


class WireResponse(http.client.HTTPResponse):
    """A reply that obeys the deadline in whose scope it was begun.

    `http.client` takes the end of a connection for the end of the headers, so a reply cut there would pass as
    one without a length; here it raises RemoteDisconnected.
    """

    def __init__(self, sock: socket.socket, *args: Any, **kwargs: Any) -> None:
        deadline = current_deadline()
        source = sock if deadline is None else cast(socket.socket, _DeadlineSocket(sock, deadline))
        super().__init__(source, *args, **kwargs)

    def begin(self) -> None:
        """Read status line and headers. Raises what `http.client` raises."""
        lines = _Lines(self.fp)
        self.fp = cast(io.BufferedReader, lines)
        try:
            super().begin()
        finally:
            if self.fp is cast(io.BufferedReader, lines):
                self.fp = lines.source
        if lines.last == b"":
            self._close_conn()  # type: ignore[attr-defined]
            raise http.client.RemoteDisconnected("the connection ended in the headers")


class _DeadlineSocket:
    """Stands in for the socket where `http.client` asks it for a file."""

    def __init__(self, sock: socket.socket, deadline: Deadline) -> None:
        self._sock = sock
        self._deadline = deadline

    def makefile(self, mode: str) -> io.BufferedReader:
        return io.BufferedReader(DeadlineReader(self._sock, self._deadline))


class _Lines:
    """Stands in for the file while the headers are read and remembers the last line."""

    def __init__(self, source: io.BufferedReader) -> None:
        self.source = source
        self.last = b"\r\n"

    def readline(self, limit: int = -1) -> bytes:
        self.last = self.source.readline(limit)
        return self.last

    def close(self) -> None:
        self.source.close()
