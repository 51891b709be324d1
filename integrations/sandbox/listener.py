"""The HTTP/1.1 listener under the sandboxes: keep-alive, one daemon thread per connection."""

from __future__ import annotations

import contextlib
import logging
import socket
import socketserver
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from integrations.sandbox.base import SandboxError, SandboxRequest
from integrations.sandbox.exchange import error_response
from integrations.sandbox.router import Router, reply
from integrations.sandbox.wire import Wire

logger = logging.getLogger(__name__)

_DRAIN_BYTES = 1 << 20
_DRAIN_LIMIT = 64 << 20


class Listener(ThreadingHTTPServer):
    """Accepts connections and knows them all, so that stopping cuts them.

    Args:
        address: host and port.
        router: answers the requests.
    """

    daemon_threads = True
    request_queue_size = 256

    def __init__(self, address: tuple[str, int], router: Router) -> None:
        self.router = router
        self.stopping = threading.Event()
        self._connections: set[socket.socket] = set()
        self._lock = threading.Lock()
        super().__init__(address, _Handler)

    def server_bind(self) -> None:
        """Bind without the reverse DNS look-up that the base class makes."""
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = str(self.server_address[0]), int(self.server_address[1])

    def get_request(self) -> tuple[socket.socket, Any]:
        """Accept a connection and remember it."""
        connection, address = super().get_request()
        with self._lock:
            self._connections.add(connection)
        return connection, address

    def close_request(self, request: Any) -> None:
        """Close a connection and forget it."""
        with self._lock:
            self._connections.discard(request)
        super().close_request(request)

    def cut_connections(self) -> None:
        """End every open connection, idle or not."""
        with self._lock:
            connections = list(self._connections)
        for connection in connections:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Log what escaped a handler, which is most often a client that left."""
        logger.debug("A sandbox connection ended with an error", exc_info=sys.exc_info())


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: Listener

    def _serve(self) -> None:
        wire = Wire(self, self.server.stopping)
        try:
            request = self._read_request()
        except SandboxError as error:
            self.close_connection = True
            reply(wire, error_response(error), self.command)
            return
        if request is None:
            self.close_connection = True
        else:
            self.server.router.route(request, wire)

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = _serve

    def _read_request(self) -> SandboxRequest | None:
        """Read the whole request; None when the client left midway."""
        try:
            parts = urlsplit(self.path)
            query = parse_qs(parts.query, keep_blank_values=True)
        except ValueError as error:
            raise SandboxError(f"The request target is malformed: {error}") from error
        path = unquote(parts.path)
        body = self._read_body(self.server.router.body_limit(path))
        if body is None:
            return None
        return SandboxRequest(
            method=self.command,
            path=path,
            query={name: tuple(values) for name, values in query.items()},
            headers={name.lower(): value for name, value in self.headers.items()},
            body=body,
        )

    def _read_body(self, limit: int) -> bytes | None:
        if "chunked" in self.headers.get("Transfer-Encoding", "").lower():
            raise SandboxError("The sandbox wants a Content-Length, not a chunked body.", 411)
        text = self.headers.get("Content-Length", "0").strip()
        if not (text.isascii() and text.isdecimal()):
            raise SandboxError(f"Content-Length must be a whole number, not {text!r}.")
        length = int(text)
        if length > limit:
            self._drain(length)
            raise SandboxError(f"The body has {length} bytes; {limit} are allowed.", 413)
        body = self.rfile.read(length)
        return body if len(body) == length else None

    def _drain(self, length: int) -> None:
        """Read and drop a body that is too long, so that the client gets to see the reply."""
        left = min(length, _DRAIN_LIMIT)
        while left > 0:
            data = self.rfile.read(min(left, _DRAIN_BYTES))
            if not data:
                return
            left -= len(data)

    def log_message(self, format: str, *args: Any) -> None:
        """Keep the terminal quiet; the journal holds the calls."""
        logger.debug(format, *args)
