"""One client's connection, down to the socket: what a broken vendor does needs more than a status code."""

from __future__ import annotations

import selectors
import socket
import struct
import threading
from collections.abc import Mapping
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler

PIECE = 1 << 16
_POLL_SECONDS = 0.1


class Wire:
    """Writes replies, whole or broken, to the connection of a request handler.

    Args:
        handler: the handler whose request is being answered.
        stopping: set when the server stops; every wait ends then.
    """

    def __init__(self, handler: BaseHTTPRequestHandler, stopping: threading.Event) -> None:
        self._handler = handler
        self._socket: socket.socket = handler.connection
        self.stopping = stopping

    def head(self, status: int, headers: Mapping[str, str], length: int | None) -> bytes:
        """Return status line and headers; ``length`` None leaves Content-Length out."""
        try:
            phrase = HTTPStatus(status).phrase
        except ValueError:
            phrase = "Unknown"
        lines = [f"HTTP/1.1 {status} {phrase}", "Server: sandbox"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        if length is not None:
            lines.append(f"Content-Length: {length}")
        if self._handler.close_connection:
            lines.append("Connection: close")
        return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")

    def send(self, data: bytes | memoryview) -> None:
        """Write all bytes; raises OSError when the client has left."""
        self._socket.sendall(data)

    def pause(self, seconds: float) -> bool:
        """Wait; False when the server stops meanwhile."""
        return not self.stopping.wait(seconds)

    def close(self) -> None:
        """Close the connection once the current bytes are out."""
        self._handler.close_connection = True

    def reset(self) -> None:
        """Break the connection at once with an RST."""
        self._handler.close_connection = True
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._handler.rfile.close()
        self._socket.close()

    def wait_for_goodbye(self) -> None:
        """Answer nothing until the client leaves or the server stops."""
        self._handler.close_connection = True
        with selectors.DefaultSelector() as selector:
            selector.register(self._socket, selectors.EVENT_READ)
            while not self.stopping.is_set():
                if selector.select(_POLL_SECONDS) and self._client_left():
                    return

    def _client_left(self) -> bool:
        try:
            gone = not self._socket.recv(1, socket.MSG_PEEK)
        except OSError:
            return True
        return gone or self.stopping.wait(_POLL_SECONDS)
