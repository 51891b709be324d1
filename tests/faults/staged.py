"""Staged work made to be killed: a poll that stores chunks, and the jobs that turn them into events."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from integrations.jobs.registry import register_job
from integrations.jobs.staged.events import BaseEventJob
from integrations.jobs.staged.fetch import BaseFetchJob
from integrations.jobs.staged.page import CursorMove, Page
from integrations.sync.activity.drafts import BlockDraft, Draft, EventDraft, ObjectDraft, measure
from synclogs.models import JobQueue

ITEMS_PER_PAGE = 10
STREAM = "entries"
BEGIN = datetime(2026, 1, 1, tzinfo=UTC)


@register_job
class EntryData(BaseEventJob):
    """One event and one block an entry. The page's context says how many seconds a chunk takes."""

    name = "faults.entry_data"
    provider = "faults"
    job_type = "entry_data"
    queue = JobQueue.FETCH
    timeout = 60
    backoff = (1, 1)

    def prepare(self, items: Sequence[Any]) -> None:
        """Take time."""
        time.sleep(self.payload.context["seconds"])

    def map_item(self, item: Any, index: int) -> Iterable[Draft]:
        """The writer of the entry was at a place."""
        yield EventDraft(
            source_id=f"entry_{item['id']}",
            time=BEGIN + timedelta(minutes=item["id"]),
            domain="online",
            action="was_at",
            actor=ObjectDraft("user", "user", "Somebody"),
            target=ObjectDraft("place", "place", f"Place {item['id'] % 7}"),
            measure=measure(item["id"]),
            blocks=(BlockDraft("tag", "one"),),
        )


@register_job
class EntryPull(BaseFetchJob):
    """`args["pages"]` pages, one chunk each, with a cursor that moves with the page."""

    name = "faults.entry_pull"
    provider = "faults"
    job_type = "entry_pull"
    timeout = 60
    backoff = (1, 1, 1)

    def fetch_data(self) -> Iterator[Page]:
        """From the cursor on."""
        first = self.cursor(STREAM).get("page", 0)
        for page in range(first, self.args["pages"]):
            time.sleep(self.args["seconds"])
            items = [{"id": page * ITEMS_PER_PAGE + n} for n in range(ITEMS_PER_PAGE)]
            context = {"seconds": self.args.get("chunk_seconds", 0)}
            yield Page(EntryData, items, context, cursors=(CursorMove(STREAM, {"page": page + 1}),))
