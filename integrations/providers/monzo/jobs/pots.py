"""Pots: objects, and what was in them at the end of a day."""

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
from integrations.models import Integration
from integrations.providers.monzo.accounts import account_id, credential_of, has_pots, is_closed, remember
from integrations.providers.monzo.client import PROVIDER, MonzoClient, Record
from integrations.providers.monzo.jobs.accounts import today
from integrations.providers.monzo.mapping.accounts import pot_balance, pot_object
from integrations.sync.activity.drafts import Draft

logger = logging.getLogger("syncplatform.monzo")


@register_job
class MonzoPotData(BaseEventJob):
    """A pot: its object, and its balance while it is open."""

    name = "monzo.pot_data"
    provider = PROVIDER
    job_type = "pot_data"

    def map_item(self, item: Any, index: int) -> Iterable[Draft]:
        """The pot had this balance that day; one that was deleted is an archived object only."""
        if isinstance(item, dict) and item.get("deleted") is True:
            yield pot_object(item)
            return
        yield pot_balance(item, date.fromisoformat(self.payload.context["date"]))


@register_job
class MonzoPotPull(BaseFetchJob):
    """The pots of every current account."""

    name = "monzo.pot_pull"
    provider = PROVIDER
    job_type = "pot_pull"

    def fetch_data(self) -> Iterator[Page]:
        """A page an account."""
        credential = credential_of(self.integration)
        with MonzoClient.of(credential) as client:
            accounts = client.accounts()
            remember(credential, accounts)
            yield from pot_pages(client, accounts)


def pot_pages(
    client: MonzoClient, accounts: Sequence[Record], integration: Integration | None = None
) -> Iterator[Page]:
    """The pots of each open current account that may be read."""
    for account in accounts:
        if is_closed(account) or not has_pots(account):
            continue
        try:
            pots = client.pots(account_id(account))
        except (Forbidden, NotFound) as error:
            logger.info("the pots of a %s account are not read: %s", account.get("type"), error)
            continue
        context = {"account_id": account["id"], "date": today()}
        yield Page(MonzoPotData, pots, context=context, integration=integration)
