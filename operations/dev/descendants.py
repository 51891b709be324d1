"""No orphans: what our children leave behind when they stop becomes our own child and is ended (Linux)."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path

PR_SET_CHILD_SUBREAPER = 36
END_SECONDS = 5.0
POLL_SECONDS = 0.02


@contextlib.contextmanager
def adopted_orphans(spared: set[int]) -> Iterator[None]:
    """Adopt orphaned descendants meanwhile; at the end kill and collect every child that is not `spared`."""
    if not sys.platform.startswith("linux"):
        yield
        return
    _set_subreaper(True)
    try:
        yield
    finally:
        _end_all_but(spared)
        _set_subreaper(False)


def _set_subreaper(wanted: bool) -> None:
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, int(wanted))


def _end_all_but(spared: set[int]) -> None:
    """Kill and collect our children, and theirs as they become ours, until none is left."""
    deadline = time.monotonic() + END_SECONDS
    while (left := children() - spared) and time.monotonic() < deadline:
        for pid in left:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
            with contextlib.suppress(ChildProcessError):
                os.waitpid(pid, os.WNOHANG)
        time.sleep(POLL_SECONDS)


def children() -> set[int]:
    """The processes whose parent is this one; none where there is no /proc."""
    me = os.getpid()
    found: set[int] = set()
    if not Path("/proc/self/stat").exists():
        return found
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                stat = (entry / "stat").read_text()
                if int(stat.rpartition(")")[2].split()[1]) == me:
                    found.add(int(entry.name))
    return found
