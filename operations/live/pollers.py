"""The few threads that read for every open stream, so that a listener costs no database connection."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from asgiref.sync import sync_to_async
from django.db import Error as DatabaseError
from django.db import connection

T = TypeVar("T")

THREADS = 2

_threads = ThreadPoolExecutor(max_workers=THREADS, thread_name_prefix="live")


async def in_poller(read: Callable[[], T]) -> T:
    """What `read` returns, called in one of the threads. After a DatabaseError it gets a new connection."""
    return await sync_to_async(_read, thread_sensitive=False, executor=_threads)(read)


def _read(read: Callable[[], T]) -> T:
    try:
        found = read()
    except DatabaseError:
        connection.close()
        raise
    if connection.settings_dict["CONN_MAX_AGE"] == 0:  # given back to the pool
        connection.close()
    return found
