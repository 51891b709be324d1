"""How long a call may wait in place before its job should rather be postponed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_patience: ContextVar[float] = ContextVar("call_patience", default=0.0)


@contextmanager
def patience(seconds: float) -> Iterator[None]:
    """Sessions opened in the block wait so many seconds in place where they would give up earlier.

    For what has no queue to go back to: a command in the foreground, whose user rather waits.
    """
    token = _patience.set(seconds)
    try:
        yield
    finally:
        _patience.reset(token)


def current_patience() -> float:
    """The seconds of the innermost block; 0 outside of any."""
    return _patience.get()
