"""Balances: what was in each account at the end of a day."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from typing import Any

from integrations.http.errors import Forbidden, NotFound
from integrations.jobs.registry import register_job
from integrations.jobs.staged.events import BaseEventJob
from integrations.jobs.staged.fetch import BaseFetchJob
from integrations.jobs.staged.page import Page
from integrations.models import Event, Integration
from integrations.providers.monzo.accounts import account_id, credential_of, is_closed, remember
from integrations.providers.monzo.client import PROVIDER, MonzoClient, Record
from integrations.providers.monzo.jobs.accounts import today
from integrations.providers.monzo.mapping.accounts import HAD_BALANCE, account_balance
from integrations.providers.monzo.mapping.values import end_of_day, text
from integrations.sync.activity.drafts import Draft

logger = logging.getLogger("syncplatform.monzo")


@register_job
class MonzoBalanceData(BaseEventJob):
    """A balance as an event of its day."""

    name = "monzo.balance_data"
    provider = PROVIDER
    job_type = "balance_data"

    def prepare(self, items: Sequence[Any]) -> None:
        """The last balance of an earlier day of each account."""
        self._day = date.fromisoformat(self.payload.context["date"])
        ids = [text(item, "account_id") for item in items if isinstance(item, dict)]
        earlier = Event.objects.filter(
            integration=self.integration,
            action=HAD_BALANCE,
            actor__external_id__in=ids,
            time__lt=end_of_day(self._day),
            deleted_at__isnull=True,
        ).exclude(source_id__endswith=f"_{self._day:%Y-%m-%d}")
        rows = earlier.order_by("time").values_list("actor__external_id", "value")
        self._before = {external_id: value for external_id, value in rows if value is not None}

    def source_id(self, item: Any) -> str:
        """The account's id."""
        return text(item, "account_id") if isinstance(item, dict) else ""

    def map_item(self, item: Any, index: int) -> Iterable[Draft]:
        """The account had this balance that day."""
        yield account_balance(item, self._day, self._before.get(self.source_id(item)))


@register_job
class MonzoBalancePull(BaseFetchJob):
    """The balance of every open account."""

    name = "monzo.balance_pull"
    provider = PROVIDER
    job_type = "balance_pull"

    def fetch_data(self) -> Iterator[Page]:
        """One call an account, one page for all."""
        credential = credential_of(self.integration)
        with MonzoClient.of(credential) as client:
            accounts = client.accounts()
            remember(credential, accounts)
            yield balance_page(client, accounts)


def balance_page(
    client: MonzoClient, accounts: Sequence[Record], integration: Integration | None = None
) -> Page:
    """The balances of the open accounts; one that has none, or may not be read, is left out."""
    items = []
    for account in accounts:
        if is_closed(account):
            continue
        try:
            reply = client.balance(account_id(account))
        except (Forbidden, NotFound) as error:
            logger.info("the balance of a %s account is not read: %s", account.get("type"), error)
            continue
        items.append({"account_id": account["id"], "account_type": account.get("type"), "balance": reply})
    return Page(MonzoBalanceData, items, context={"date": today()}, integration=integration)
