"""The database's clock, so that hosts whose own clocks differ agree on what a window holds."""

from __future__ import annotations

import threading
import time

from django.db import connection

ASK_AGAIN_SECONDS = 300.0


class DatabaseClock:
    """Seconds since the epoch as the database counts them; asked now and then, else reckoned."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._ahead = 0.0
        self._asked_at: float | None = None

    def __call__(self) -> float:
        """The moment now."""
        with self._lock:
            asked = self._asked_at
            if asked is None or time.monotonic() - asked > ASK_AGAIN_SECONDS:
                self._ahead = _database_time() - time.time()
                self._asked_at = time.monotonic()
            return time.time() + self._ahead


def _database_time() -> float:
    if connection.vendor != "postgresql":
        return time.time()
    with connection.cursor() as cursor:
        cursor.execute("SELECT EXTRACT(EPOCH FROM clock_timestamp())")
        return float(cursor.fetchone()[0])


database_clock = DatabaseClock()
