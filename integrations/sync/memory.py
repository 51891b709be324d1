"""Keeping Python's garbage collector from looking at the whole program again and again."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def resting_collector() -> Iterator[None]:
    """Within the block only what it made itself is searched for cycles.

    A pull makes many short-lived objects; each time they are counted as enough, everything that was loaded
    before would be searched too, for a tenth of the time of a first load.
    """
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()
