"""The diary's jobs: poll, webhook, history, and what turns entries into events."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

import orjson

from integrations.http.errors import RecordError
from integrations.jobs.outcomes import JobFailed
from integrations.jobs.registry import register_job
from integrations.jobs.staged.events import BaseEventJob
from integrations.jobs.staged.fetch import BaseFetchJob
from integrations.jobs.staged.initialization import BaseInitializationJob
from integrations.jobs.staged.page import CursorMove, Page
from integrations.jobs.staged.webhook_hook import BaseWebhookHookJob
from integrations.sync.activity.drafts import BlockDraft, Draft, EventDraft, ObjectDraft, measure
from tests.diary.client import DiaryClient
from tests.diary.sandbox import SLUG

STREAM = "entries"
FIRST = 1_000_000

during: dict[str, Callable[..., object]] = {}
"""What a test wants to happen in the middle: `process` gets the job, `page` the number of the page."""


def _interrupt(name: str, *args: object) -> None:
    if name in during:
        during[name](*args)


@register_job
class DiaryEntryData(BaseEventJob):
    """Entries to events: the writer of the diary was at a place."""

    name = "diary.entry_data"
    provider = SLUG
    job_type = "entry_data"
    authoritative_blocks = True

    def process(self, items: Sequence[Any]) -> Any:
        """As ever, after what the test wants."""
        _interrupt("process", self)
        return super().process(items)

    def map_item(self, item: Any, index: int) -> Iterable[Draft]:
        """One entry."""
        if item.get("mood") == "unreadable":
            raise RecordError("the mood cannot be read", code="bad_mood", field="mood")
        place = item["place"]
        yield EventDraft(
            source_id=f"diary_{item['id']}",
            time=datetime.fromisoformat(item["at"]),
            domain="online",
            action="was_at",
            actor=ObjectDraft("user", "diary_user", "Diary"),
            target=ObjectDraft("place", "diary_place", place["name"], external_id=place["id"]),
            measure=measure(Decimal(str(item["score"])) if item["score"] is not None else None),
            unit="points",
            metadata={"mood": item["mood"]},
            blocks=tuple(BlockDraft("tag", tag) for tag in item.get("tags", ())),
            deleted=item.get("deleted", False),
        )


@register_job
class DiaryEntryPull(BaseFetchJob):
    """Polls for new entries."""

    name = "diary.entry_pull"
    provider = SLUG
    job_type = "entry_pull"

    def fetch_data(self) -> Iterator[Page]:
        """Page after page from the cursor on."""
        client = DiaryClient(self.integration)
        after = 0 if self.since else self.cursor(STREAM).get("after", 0)
        more, number = True, 0
        while more:
            _interrupt("page", number)
            entries, more = client.entries(after)
            after, number = (entries[-1]["id"] if entries else after), number + 1
            yield Page(DiaryEntryData, entries, cursors=(CursorMove(STREAM, {"after": after}),))


@register_job
class DiaryHook(BaseWebhookHookJob):
    """Entries that the vendor sends."""

    name = "diary.hook"
    provider = SLUG
    job_type = "hook"

    def validate_webhook(self) -> None:
        """It is JSON with entries."""
        try:
            self.document = orjson.loads(bytes(self.delivery.body or b""))
        except orjson.JSONDecodeError as error:
            raise JobFailed(f"not JSON: {error}", code="bad_body") from None
        if not isinstance(self.document, dict) or not isinstance(self.document.get("entries"), list):
            raise JobFailed("no list of entries", code="bad_body")

    def split_webhook_data(self) -> Iterator[Page]:
        """The entries, for each connection of the credential."""
        for integration in self.integrations:
            yield Page(DiaryEntryData, self.document["entries"], integration=integration)


@register_job
class DiaryHistoricalData(BaseInitializationJob):
    """All entries before the first poll, newest first."""

    name = "diary.historical_data"
    provider = SLUG
    job_type = "historical_data"

    def initialize(self) -> None:
        """Windows backwards, until there is nothing more."""
        client = DiaryClient(self.integration)
        before, more, number = self.cursor("history").get("before", FIRST), True, 0
        while more:
            _interrupt("page", number)
            entries, more = client.history(before)
            before, number = (entries[-1]["id"] if entries else before), number + 1
            self.stage(Page(DiaryEntryData, entries, cursors=(CursorMove("history", {"before": before}),)))
