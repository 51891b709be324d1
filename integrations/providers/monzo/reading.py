"""Reading transactions page by page, and a history window by window: docs/monzo.md, "Paging"."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from integrations.http.errors import BadReply
from integrations.providers.monzo.client import PAGE, PROVIDER, MonzoClient, Record
from integrations.providers.monzo.errors import RangeTooLong

MAX_PAGES = 1000
WINDOW = timedelta(days=364)
SHORTEST_WINDOW = timedelta(days=7)


def pages(
    client: MonzoClient, account_id: str, *, since: datetime | str, before: datetime
) -> Iterator[list[Record]]:
    """Every page from `since` (a time or the id of the last one read) up to `before`, oldest first.

    Raises BadReply where pages repeat themselves, so that no vendor's slip reads for ever.
    """
    last = since if isinstance(since, str) else ""
    for _ in range(MAX_PAGES):
        page = client.transactions(account_id, since=last or since, before=before)
        if page:
            yield page
        if len(page) < PAGE:
            return
        after = str(page[-1].get("id") or "")
        if not after or after == last:
            raise BadReply("the transactions page repeats itself", provider=PROVIDER)
        last = after
    raise BadReply(f"more than {MAX_PAGES} pages of transactions in one window", provider=PROVIDER)


def windows(newest: datetime, oldest: datetime) -> Iterator[tuple[datetime, datetime]]:
    """(since, before) of at most 364 days each, from the newest back to the oldest."""
    before = newest
    while before > oldest:
        since = max(before - WINDOW, oldest)
        yield since, before
        before = since


def window_pages(
    client: MonzoClient, account_id: str, *, since: datetime, before: datetime
) -> Iterator[list[Record]]:
    """The pages of one window; halved, the newer half first, where Monzo finds it too long."""
    try:
        yield from pages(client, account_id, since=since, before=before)
        return
    except RangeTooLong:
        if before - since <= SHORTEST_WINDOW:
            raise
    middle = since + (before - since) / 2
    yield from window_pages(client, account_id, since=middle, before=before)
    yield from window_pages(client, account_id, since=since, before=middle)
