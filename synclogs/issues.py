"""Writing down what could not be taken, with a cap."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from synclogs.models import MAX_ISSUES_PER_RUN, SyncIssue, SyncLog
from synclogs.redaction import excerpt, redact_text

MAX_SOURCE_ID = 200


class _Error(Protocol):
    @property
    def code(self) -> str: ...


class RefusedRecord(Protocol):
    """What a writer knows of a record that it could not take."""

    index: int
    source_id: str
    excerpt: str

    @property
    def error(self) -> _Error: ...


class IssueBook:
    """The issues of one part of a run. At most 1,000 rows a run are kept; the rest is only counted."""

    def __init__(self, run: SyncLog, stream: str, partition: str = "") -> None:
        self._run = run
        self._stream = stream
        self._partition = partition
        self._kept: int | None = None

    def add(self, refused: Sequence[RefusedRecord]) -> None:
        """Write these down in the caller's transaction, as far as the cap allows."""
        if not refused:
            return
        if self._kept is None:
            self._kept = self._run.issues.count()
        room = refused[: max(0, MAX_ISSUES_PER_RUN - self._kept)]
        SyncIssue.objects.bulk_create(self._row(record) for record in room)
        self._kept += len(room)

    def forget(self) -> None:
        """Delete the issues of this part: it is about to be repeated."""
        self._run.issues.filter(stream=self._stream, partition=self._partition).delete()
        self._kept = None

    def _row(self, record: RefusedRecord) -> SyncIssue:
        return SyncIssue(
            run=self._run,
            stream=self._stream,
            partition=self._partition,
            source_id=excerpt(record.source_id, MAX_SOURCE_ID),
            index=record.index,
            field=getattr(record.error, "field", "") or "",
            error_code=record.error.code[:60],
            error_message=redact_text(str(record.error))[:500],
            excerpt=excerpt(record.excerpt),
        )
