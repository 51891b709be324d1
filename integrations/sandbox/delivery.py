"""How a reply travels: whole, dripping, cut short, broken or not at all."""

from __future__ import annotations

from collections.abc import Callable

from integrations.sandbox.base import SandboxResponse
from integrations.sandbox.wire import PIECE, Wire

Record = Callable[[int | None, int, str], None]

_BODILESS = frozenset({204, 304})


class Delivery:
    """Sends one reply over a wire and says how it ended just before the last bytes leave.

    Args:
        wire: the client's connection.
        record: called with status, body bytes sent and outcome; again when the last bytes failed.
        is_head: a HEAD request gets the headers only.
    """

    def __init__(self, wire: Wire, record: Record, *, is_head: bool = False) -> None:
        self.wire = wire
        self._record = record
        self._is_head = is_head
        self._status: int | None = None
        self._sent = 0

    def finish(self, outcome: str) -> None:
        """Record what has left so far."""
        self._record(self._status, self._sent, outcome)

    def whole(self, response: SandboxResponse) -> None:
        """Send the reply as fast as the client reads."""
        self._send(response, len(response.body), PIECE, 0, "sent")

    def drip(self, response: SandboxResponse, chunk: int, interval: float) -> None:
        """Send the reply in pieces of ``chunk`` bytes with ``interval`` seconds between them."""
        self._send(response, len(response.body), chunk, interval, "sent")

    def truncate(self, response: SandboxResponse, share: float) -> None:
        """Promise the whole body, send a share of it, close politely."""
        self.wire.close()
        self._send(response, int(len(response.body) * share), PIECE, 0, "truncated")

    def reset(self) -> None:
        """Break the connection before any byte of a reply."""
        self.finish("reset")
        self.wire.reset()

    def reset_midway(self, response: SandboxResponse, share: float) -> None:
        """Send headers and a share of the body, then break the connection."""
        self._send(response, int(len(response.body) * share), PIECE, 0, "reset")
        self.wire.reset()

    def hang(self) -> None:
        """Never answer."""
        self.wire.wait_for_goodbye()
        self.finish("hung")

    def _send(self, response: SandboxResponse, count: int, chunk: int, interval: float, outcome: str) -> None:
        """Write headers that promise the whole body and the first ``count`` bytes of it."""
        body = b"" if response.status in _BODILESS else response.body
        promised = None if response.status in _BODILESS else max(len(body), int(outcome != "sent"))
        head = self.wire.head(response.status, response.headers, promised)
        self._status = response.status
        view = memoryview(body)[: 0 if self._is_head else count]
        last = max(0, len(view) - 1) // chunk * chunk
        for start in range(0, last, chunk):
            self.wire.send(head + view[start : start + chunk])
            head = b""
            self._sent += chunk
            if interval and not self.wire.pause(interval):
                self.wire.close()
                return
        self._sent = len(view)
        self.finish(outcome)
        try:
            self.wire.send(head + view[last:])
        except OSError:
            self._sent = last
            raise
