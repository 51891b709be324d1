"""Pages of records from the export feeds, and from the lists where an app may not use those.

Pages are not fetched ahead: what was fetched and is not stored yet is fetched again after a crash, and that
shall be one page at most. Several credentials at a time keep the database and the vendor busy instead.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta

import msgspec
from django.utils import timezone

from integrations.http.deadline import Deadline
from integrations.http.paginators import Page, PageWalk
from integrations.http.slices import EnvelopeReader
from integrations.providers.servicetitan.client import ServiceTitanClient
from integrations.providers.servicetitan.errors import ServiceTitanApiError
from integrations.providers.servicetitan.schemas import FeedReply, ListReply
from integrations.sync.bulk_stream import Start

logger = logging.getLogger("syncplatform.servicetitan")

OVERLAP = timedelta(minutes=5)
LIST_PAGE_SIZE = 1000
EVERYTHING = {"customers": ("active", "Any"), "invoices": ("activeState", "All")}
STUCK = "The feed gave the same place twice; report it to ServiceTitan with the run's time"

read_feed = EnvelopeReader(FeedReply)
read_list = EnvelopeReader(ListReply)


class _Changed(msgspec.Struct, rename="camel"):
    """The one part of a record that paging needs."""

    modified_on: str | None = None


_read_changed = msgspec.json.Decoder(_Changed).decode


class Source:
    """One tenant's pages. `batch_size` is how many records a page handed on has at most."""

    def __init__(self, client: ServiceTitanClient, batch_size: int) -> None:
        self._client = client
        self._batch_size = batch_size

    def feed_pages(self, kind: str, start: Start) -> PageWalk:
        """The pages of an export feed from the cursor's token on, from its first record without one.

        A token that the vendor does not know any more is replaced by the high-water mark. Raises
        ServiceTitanError, also when the feed promises more but does not move on.
        """
        token = start.state.get("continue_from")
        while True:
            _check(start.deadline)
            reply = self._feed_page(kind, token, start)
            if reply.has_more and reply.continue_from == token:
                raise ServiceTitanApiError(
                    f"the export feed of {kind} promises more, but does not move on", actionable_message=STUCK
                )
            token = reply.continue_from
            yield from self._pieces(reply.data, {"continue_from": token}, is_last=not reply.has_more)
            if not reply.has_more:
                return

    def _feed_page(self, kind: str, token: str | None, start: Start) -> FeedReply:
        params = {} if token is None else {"from": token}
        try:
            return self._client.export(kind, params, read_feed)
        except ServiceTitanApiError as error:
            if token is None or error.status_code != 400 or "from" not in error.errors:
                raise
            since = _overlapping(start)
            logger.warning(
                "the feed of %s refused its token, going on from %s", kind, since or "its beginning"
            )
            return self._client.export(kind, {"from": since} if since else {}, read_feed)

    def list_pages(self, kind: str, start: Start) -> PageWalk:
        """The pages of a list in the order of changes, from five minutes before the high-water mark on.

        Page 2 of a list that changes meanwhile would leave a record out for each one that moved to the end.
        So each request asks for page 1 of what changed since the last record seen; only where a whole page
        has one and the same time, the page number goes up. Raises ServiceTitanError.
        """
        since = start.state.get("modified_from") or _overlapping(start)
        page = int(start.state.get("page", 1))
        while True:
            _check(start.deadline)
            reply = self._list_page(kind, since, page)
            last = _last_change(reply.data)
            since, page = (last, 1) if _is_later(last, since) else (since, page + 1)
            if reply.has_more:
                yield from self._pieces(reply.data, {"modified_from": since, "page": page}, is_last=False)
            else:
                yield from self._pieces(reply.data, {"modified_from": None, "page": None}, is_last=True)
                return

    def _list_page(self, kind: str, since: str | None, page: int) -> ListReply:
        name, value = EVERYTHING[kind]
        params = {"page": str(page), "pageSize": str(LIST_PAGE_SIZE), "sort": "+ModifiedOn", name: value}
        return self._client.listing(kind, params | ({"modifiedOnOrAfter": since} if since else {}), read_list)

    def _pieces(
        self, records: Sequence[msgspec.Raw], state: dict[str, object], *, is_last: bool
    ) -> Iterator[Page]:
        """A page in pieces of the batch size; only the last one moves the cursor."""
        size = self._batch_size
        for first in range(0, len(records) - size, size):
            yield Page(records[first : first + size])
        rest = (len(records) - 1) // size * size if records else 0
        yield Page(records[rest:], state, is_last=is_last)


def _check(deadline: Deadline | None) -> None:
    if deadline is not None:
        deadline.check()


def _overlapping(start: Start) -> str | None:
    """Five minutes before the high-water mark, as the vendor reads it: changes may show up late.

    A mark in the future comes from a record with a wrong time, and would hide every change until then: the
    day before the last run stands in for it.
    """
    high_water = start.high_water
    if high_water is not None and high_water > timezone.now():
        last_run = start.state.get("last_run_at")
        high_water = datetime.fromisoformat(last_run) - timedelta(days=1) if last_run else None
    if high_water is None:
        return None
    return (high_water - OVERLAP).astimezone(UTC).isoformat().replace("+00:00", "Z")


def _is_later(last: str | None, since: str | None) -> bool:
    """Whether the window of a list moves on when it begins at `last`."""
    if last is None or since is None:
        return last is not None
    try:
        return datetime.fromisoformat(last) > datetime.fromisoformat(since)
    except (ValueError, TypeError):
        return False


def _last_change(records: Sequence[msgspec.Raw]) -> str | None:
    """The time of change of the last record that has one, exactly as the vendor wrote it."""
    for raw in reversed(records):
        try:
            found = _read_changed(raw).modified_on
        except msgspec.DecodeError:
            continue
        if found:
            return found
    return None
