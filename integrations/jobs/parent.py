"""Dying with the parent, so that no orphan keeps taking jobs (Linux)."""

from __future__ import annotations

import ctypes
import os
import signal

PR_SET_PDEATHSIG = 1
SUPERVISOR_PID = "CLUSTER_SUPERVISOR_PID"

_libc = ctypes.CDLL(None, use_errno=True)
_forking = {"pid": 0}


def die_with_supervisor() -> None:
    """Have the kernel kill this process when its supervisor dies. Exits when it has died already."""
    supervisor = os.environ.get(SUPERVISOR_PID)
    if supervisor is not None:
        _die_with(int(supervisor))


def die_with_parent() -> None:
    """Have the kernel kill each process that is forked from now on, here or below, when its parent dies."""
    os.register_at_fork(before=_remember_parent, after_in_child=lambda: _die_with(_forking["pid"]))


def _remember_parent() -> None:
    _forking["pid"] = os.getpid()


def _die_with(parent: int) -> None:
    _libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # it died before the kernel was asked
        os._exit(1)
