"""Finding, in a batch that the database refuses, the records that it refuses."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

from django.db import DataError, IntegrityError, transaction

from integrations.http.errors import RecordError

RecordT = TypeVar("RecordT")


def write_by_halves(
    records: Sequence[RecordT], write: Callable[[Sequence[RecordT]], None]
) -> Iterator[tuple[RecordT, RecordError]]:
    """Write the records with one call, and yield those that the database refuses with its reason.

    A refused batch is halved until the bad records stand alone; all others are written. Must be used up.
    """
    if not records:
        return
    try:
        with transaction.atomic():
            write(records)
        return
    except (DataError, IntegrityError) as error:
        if len(records) == 1:
            reason = str(error).strip().splitlines()[0]
            yield records[0], RecordError(f"the database refused it: {reason}", code="refused_by_database")
            return
    middle = len(records) // 2
    yield from write_by_halves(records[:middle], write)
    yield from write_by_halves(records[middle:], write)
