"""The sentinel's heartbeat: a moment in memory that the supervisor shares with its cluster."""

from __future__ import annotations

import contextlib
import os
import struct
import time

HEARTBEAT_FD = "CLUSTER_HEARTBEAT_FD"
MOMENT = struct.Struct("d")


class Heartbeat:
    """The supervisor's side: one file in memory, whose descriptor the cluster inherits."""

    def __init__(self) -> None:
        self.descriptor = os.memfd_create("heartbeat")
        self.reset()

    def reset(self) -> None:
        """Count from now: the cluster is being started."""
        os.pwrite(self.descriptor, MOMENT.pack(time.monotonic()), 0)

    def age(self) -> float:
        """Seconds since the sentinel was last heard of."""
        (moment,) = MOMENT.unpack(os.pread(self.descriptor, MOMENT.size, 0))
        return time.monotonic() - float(moment)

    def close(self) -> None:
        """Give the memory back."""
        os.close(self.descriptor)


def beat() -> None:
    """The sentinel's side: say that it lives. Does nothing in a cluster without a supervisor."""
    descriptor = os.environ.get(HEARTBEAT_FD)
    if descriptor is not None:
        with contextlib.suppress(OSError):
            os.pwrite(int(descriptor), MOMENT.pack(time.monotonic()), 0)
