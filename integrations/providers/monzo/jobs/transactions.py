"""Transactions, polled as far back as something is not settled: docs/monzo.md, "Polling"."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone

from integrations.http.errors import RecordError
from integrations.jobs.registry import register_job
from integrations.jobs.staged.events import BaseEventJob
from integrations.jobs.staged.fetch import BaseFetchJob
from integrations.jobs.staged.page import CursorMove, Page
from integrations.models import Event, EventObject
from integrations.providers.monzo.accounts import account_id, credential_of, is_closed, known_kinds, remember
from integrations.providers.monzo.client import PROVIDER, MonzoClient, Record
from integrations.providers.monzo.errors import HistoryTooOld, NotApproved
from integrations.providers.monzo.mapping.expired import expired_event
from integrations.providers.monzo.mapping.transactions import Surroundings, transaction_event
from integrations.providers.monzo.reading import window_pages
from integrations.providers.monzo.watching import STREAM, Watch
from integrations.sync.activity.drafts import Draft

logger = logging.getLogger("syncplatform.monzo")

WALL = timedelta(days=89)


@register_job
class MonzoTransactionData(BaseEventJob):
    """A transaction as an event. An item `{"id", "expired": true}` ends one that never settled."""

    name = "monzo.transaction_data"
    provider = PROVIDER
    job_type = "transaction_data"

    def prepare(self, items: Sequence[Any]) -> None:
        """The names of the owner's pots, and the events that expire."""
        credential = self.integration.credential
        pots = EventObject.objects.filter(
            user=self.integration.user or (credential.user if credential else None),
            service=PROVIDER,
            concept="account",
            external_id__startswith="pot_",
        ).values_list("external_id", "title")
        self._around = Surroundings(
            account_types=known_kinds(credential) if credential else {},
            pot_names=dict(pots),
            salary_name=str(self.integration.configuration.get("salary_name") or ""),
            unverified=self.payload.context.get("unverified") is True,
        )
        gone = [item["id"] for item in items if is_expired(item)]
        known = Event.objects.filter(integration=self.integration, source_id__in=gone) if gone else ()
        self._expiring = {event.source_id: event for event in _with_objects(known)}

    def map_item(self, item: Any, index: int) -> Iterable[Draft]:
        """One transaction, or the end of one."""
        if not is_expired(item):
            yield transaction_event(item, self._around)
            return
        event = self._expiring.get(item["id"])
        if event is None:
            raise RecordError("a transaction that expired is not known", code="unknown", field="id")
        yield expired_event(event)


def _with_objects(events: Any) -> Iterable[Event]:
    return events.select_related("actor", "target") if events else ()


def is_expired(item: Any) -> bool:
    """Whether an item stands for a transaction that disappeared before it settled."""
    return isinstance(item, dict) and item.get("expired") is True and isinstance(item.get("id"), str)


@register_job
class MonzoTransactionPull(BaseFetchJob):
    """The transactions of every account, as far back as something may have changed."""

    name = "monzo.transaction_pull"
    provider = PROVIDER
    job_type = "transaction_pull"

    def fetch_data(self) -> Iterator[Page]:
        """Account by account; one that may not be read stops no other."""
        credential = credential_of(self.integration)
        with MonzoClient.of(credential) as client:
            accounts = client.accounts()
            remember(credential, accounts)
            for account in accounts:
                yield from self._account_pages(client, account)

    def _account_pages(self, client: MonzoClient, account: Record) -> Iterator[Page]:
        watch = Watch.of(self.cursor(STREAM, account_id(account)))
        if is_closed(account) and watch.is_read:
            return
        now = timezone.now()
        since = self.since or watch.since(now)
        try:
            yield from self._pages(client, account, watch, since, now)
        except HistoryTooOld:
            logger.warning("Monzo shows the last 90 days only: reading %s from there", account["id"])
            watch.is_truncated = True
            yield from self._pages(client, account, watch, max(since, now - WALL), now)
        except NotApproved as error:
            self._skip(account, error)

    def _pages(
        self, client: MonzoClient, account: Record, watch: Watch, since: datetime, now: datetime
    ) -> Iterator[Page]:
        """The pages of an account; its cursor moves when all of them are stored."""
        seen: set[str] = set()
        for page in window_pages(client, account["id"], since=since, before=now):
            watch.look_at(page)
            seen.update(str(each.get("id")) for each in page)
            yield transaction_page(account["id"], page)
        expired = watch.expire(seen, since, now)
        watch.read_through(now)
        move = CursorMove(STREAM, watch.as_state(), partition=account["id"], high_water=now)
        yield transaction_page(account["id"], [{"id": each, "expired": True} for each in expired], (move,))

    def _skip(self, account: Mapping[str, Any], error: NotApproved) -> None:
        """Note on the run which account was left out."""
        logger.info("the transactions of a %s account are not read: %s", account.get("type"), error)
        skipped = [*self.run.context.get("skipped_accounts", []), account["id"]]
        self.run.note(context={**self.run.context, "skipped_accounts": skipped})


def transaction_page(
    account: str, transactions: Sequence[Record], cursors: tuple[CursorMove, ...] = (), **options: Any
) -> Page:
    """Transactions of one account, for the job that makes events of them."""
    return Page(
        MonzoTransactionData, transactions, context={"partition": account}, cursors=cursors, **options
    )
