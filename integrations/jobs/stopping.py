"""Whether this cluster has been told to stop, seen by all its processes.

One byte of memory that forks share: unlike multiprocessing's Event it has no lock that a killed process
could keep.
"""

from __future__ import annotations

import mmap

_flag = mmap.mmap(-1, 1)


def request() -> None:
    """Tell every process of this cluster to start no further job."""
    _flag[0] = 1


def is_requested() -> bool:
    """Whether no further job should be started here."""
    return _flag[0] == 1
