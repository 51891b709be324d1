"""A load generator: signed deliveries over connections that are kept, each answer awaited before the next.

`python -m benchmarks.hooks.load PORT PATH CONNECTIONS SECONDS`, the secret in BENCH_SIGNING_SECRET; prints
one JSON object. Requests are signed beforehand, so that the measured time is the server's.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import os
import re
import secrets
import sys
import time
from collections.abc import Iterator
from typing import cast

import uvloop

TEXT = "Deploy is green, and what a message of usual length says besides. " * 8


def requests(path: str, secret: bytes, count: int) -> Iterator[bytes]:
    """Signed deliveries as they stand on the wire, no two alike."""
    timestamp, run = str(int(time.time())), secrets.token_hex(4)
    for number in range(count):
        event = {"type": "event_callback", "event_id": f"Ev{run}{number:08d}", "event": {"text": TEXT}}
        body = json.dumps(event).encode()
        signed = hmac.new(secret, b"v0:%s:%s" % (timestamp.encode(), body), hashlib.sha256).hexdigest()
        head = (
            f"POST {path} HTTP/1.1\r\nHost: localhost\r\nUser-Agent: Slackbot 1.0\r\nAccept: */*\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n"
            f"X-Slack-Request-Timestamp: {timestamp}\r\nX-Slack-Signature: v0={signed}\r\n\r\n"
        )
        yield head.encode() + body


class Sender(asyncio.Protocol):
    """One connection at a time: sends, waits for the whole answer, sends the next; `done` at the end.

    A server that hangs up after an answer gets a new connection, within the time of the next one.
    """

    def __init__(self, port: int, work: Iterator[bytes], until: float) -> None:
        self._port, self._work, self._until = port, work, until
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._reply = b""
        self._sent_at = 0.0
        self.done: asyncio.Future[None] = self._loop.create_future()
        self.seconds: list[float] = []
        self.errors = 0

    async def connect(self) -> None:
        """Open a connection, and send the next request over it."""
        self._sent_at = time.perf_counter()
        await self._loop.create_connection(lambda: self, "127.0.0.1", self._port)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        self._transport = cast(asyncio.Transport, transport)
        self._send()

    def data_received(self, data: bytes) -> None:
        """Collect the answer; when it is complete, send the next unless the server hangs up."""
        self._reply += data
        head, end, rest = self._reply.partition(b"\r\n\r\n")
        if not end:
            return
        fields = head.lower()
        length = re.search(rb"\r\ncontent-length: *(\d+)", fields)
        if length and len(rest) < int(length[1]):
            return
        self.seconds.append(time.perf_counter() - self._sent_at)
        self.errors += not head.startswith(b"HTTP/1.1 200")
        self._reply, self._sent_at = b"", 0.0
        if b"\r\nconnection: close" not in fields:
            self._sent_at = time.perf_counter()
            self._send()

    def connection_lost(self, exc: Exception | None) -> None:
        """Go on over a new connection; one that was lost before its answer is an error."""
        if self.done.done():
            return
        self.errors += bool(self._sent_at)
        self._loop.create_task(self.connect())

    def _send(self) -> None:
        request = next(self._work, None)
        assert self._transport is not None
        if request is None or time.perf_counter() > self._until:
            self.done.set_result(None)
            self._transport.close()
            return
        self._transport.write(request)


async def run(port: int, path: str, connections: int, seconds: float) -> dict[str, float]:
    """Send for so long; returns counts and times in milliseconds."""
    secret = os.environ["BENCH_SIGNING_SECRET"].encode()
    work = iter(list(requests(path, secret, int(4_000 * seconds))))
    started = time.perf_counter()
    senders = [Sender(port, work, started + seconds) for _ in range(connections)]
    await asyncio.gather(*(sender.connect() for sender in senders))
    await asyncio.gather(*(sender.done for sender in senders))
    took = time.perf_counter() - started
    times = sorted(1000 * one for sender in senders for one in sender.seconds)
    return {
        "acknowledged": len(times),
        "errors": sum(sender.errors for sender in senders),
        "seconds": round(took, 3),
        "per_second": round(len(times) / took, 1),
        "p50_ms": round(times[len(times) // 2], 2),
        "p99_ms": round(times[int(len(times) * 0.99)], 2),
        "max_ms": round(times[-1], 2),
    }


if __name__ == "__main__":
    number, where, many, long = sys.argv[1:]
    print(json.dumps(uvloop.run(run(int(number), where, int(many), float(long)))))
