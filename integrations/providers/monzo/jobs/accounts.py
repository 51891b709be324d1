"""Accounts: objects that everything else happens to."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date
from typing import Any

from django.utils import timezone

from integrations.jobs.registry import register_job
from integrations.jobs.staged.events import BaseEventJob
from integrations.jobs.staged.fetch import BaseFetchJob
from integrations.jobs.staged.page import Page
from integrations.models import Integration
from integrations.providers.monzo.accounts import credential_of, remember
from integrations.providers.monzo.client import PROVIDER, MonzoClient, Record
from integrations.providers.monzo.mapping.accounts import account_object, day_object
from integrations.providers.monzo.mapping.values import local_day
from integrations.sync.activity.drafts import Draft


def today() -> str:
    """The day that it is where the accounts are."""
    return local_day(timezone.now()).isoformat()


@register_job
class MonzoAccountData(BaseEventJob):
    """One account: its object, and the day."""

    name = "monzo.account_data"
    provider = PROVIDER
    job_type = "account_data"

    def map_item(self, item: Any, index: int) -> Iterable[Draft]:
        """The account as an object."""
        yield account_object(item)
        yield day_object(date.fromisoformat(self.payload.context["date"]))


@register_job
class MonzoAccountPull(BaseFetchJob):
    """The owner's accounts."""

    name = "monzo.account_pull"
    provider = PROVIDER
    job_type = "account_pull"

    def fetch_data(self) -> Iterator[Page]:
        """All of them, in one reply."""
        credential = credential_of(self.integration)
        with MonzoClient.of(credential) as client:
            accounts = client.accounts()
        remember(credential, accounts)
        yield account_page(accounts)


def account_page(accounts: list[Record], integration: Integration | None = None) -> Page:
    """The accounts, for the job that makes objects of them."""
    return Page(MonzoAccountData, accounts, context={"date": today()}, integration=integration)
