"""Which process owns a job, in a form that survives pid reuse."""

from __future__ import annotations

import os
import socket
from functools import lru_cache
from pathlib import Path

HOST = socket.gethostname()


@lru_cache(maxsize=1)
def host_id() -> str:
    """This host, and the PID namespace in it: containers of one pod share a host name."""
    try:
        namespace = Path("/proc/self/ns/pid").readlink().name.strip("pid:[]")
    except OSError:
        namespace = "0"
    return f"{HOST}/{namespace}"


def start_time(pid: int) -> str:
    """When a process started, in clock ticks since boot; empty for a process that is gone or a zombie."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return ""
    fields = stat.rpartition(")")[2].split()
    return "" if fields[0] == "Z" else fields[19]


def owner_id(pid: int | None = None) -> str:
    """`host:pid:start time` of a process (this one by default)."""
    pid = pid or os.getpid()
    return f"{host_id()}:{pid}:{start_time(pid)}"


def is_local(owner: str) -> bool:
    """Whether an owner lives where this process can look at it."""
    return owner.rpartition(":")[0].rpartition(":")[0] == host_id()


def pid_of(owner: str) -> int:
    """The process id within an owner id."""
    return int(owner.split(":")[-2])


def is_alive(owner: str) -> bool:
    """Whether a local owner still runs; a zombie or a reused pid is dead."""
    started = owner.rpartition(":")[2]
    return bool(started) and start_time(pid_of(owner)) == started
