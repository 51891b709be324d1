"""A total time limit for one call that also holds while a vendor drips bytes.

A socket timeout limits each read, not their sum. Within `deadline_scope` every read of a reply, its status
line and headers included, gets no more than the time that is left.
"""

import io
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from integrations.http.errors import DeadlinePassed


class Deadline:
    """A moment on the monotonic clock."""

    __slots__ = ("_at",)

    def __init__(self, seconds: float) -> None:
        self._at = time.monotonic() + seconds

    def remaining(self) -> float:
        """Seconds left, never negative."""
        return max(self._at - time.monotonic(), 0.0)

    def check(self) -> None:
        """Raise DeadlinePassed when no time is left."""
        if self.remaining() <= 0:
            raise DeadlinePassed


_current: ContextVar[Deadline | None] = ContextVar("http_deadline", default=None)


@contextmanager
def deadline_scope(deadline: Deadline | None) -> Iterator[None]:
    """Apply the deadline (None: no limit) to all connecting and reading in the block."""
    token = _current.set(deadline)
    try:
        yield
    finally:
        _current.reset(token)


def current_deadline() -> Deadline | None:
    """The deadline of the innermost scope."""
    return _current.get()


def limited(timeout: float | None) -> float | None:
    """The timeout cut to what the current deadline leaves. Raises TimeoutError when nothing is left."""
    deadline = _current.get()
    if deadline is None:
        return timeout
    left = deadline.remaining()
    if left <= 0:
        raise TimeoutError("the total time of the call is used up")
    return left if timeout is None else min(timeout, left)


class DeadlineReader(io.RawIOBase):
    """Reads from a socket within its own timeout and what the deadline leaves. Raises TimeoutError."""

    def __init__(self, sock: socket.socket, deadline: Deadline) -> None:
        super().__init__()
        self._sock = sock
        self._deadline = deadline
        self._read_timeout = sock.gettimeout()
        self._raw = sock.makefile("rb", buffering=0)

    def readable(self) -> bool:
        """Always."""
        return True

    def readinto(self, buffer: Any) -> int | None:
        """Fill the buffer with what the next read of the socket gives."""
        left = self._deadline.remaining()
        if left <= 0:
            raise TimeoutError("the total time of the call is used up")
        self._sock.settimeout(left if self._read_timeout is None else min(left, self._read_timeout))
        return self._raw.readinto(buffer)

    def close(self) -> None:
        """Give up this hold on the socket."""
        if not self.closed:
            self._raw.close()
        super().close()
