"""The fallback for apps that may not use the feeds."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from pytest_django import Settings

from integrations.providers.servicetitan.models import (
    ServiceTitanCredential,
    ServiceTitanCustomer,
)
from integrations.providers.servicetitan.sandbox.dataset import now_stamp
from tests.integrations.providers.servicetitan.conftest import Titan
from tests.integrations.providers.servicetitan.syncing import counts, cursor, customer, sync

pytestmark = pytest.mark.django_db


class TestLists:
    """The fallback for apps that may not use the feeds."""

    @pytest.fixture(autouse=True)
    def _lists(self, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
        settings.SERVICETITAN_SYNC_STRATEGY = "list"
        monkeypatch.setattr("integrations.providers.servicetitan.sources.LIST_PAGE_SIZE", 10)

    def test_inactive_records_arrive_too_and_the_next_run_overlaps(
        self, titan: Titan, credential: ServiceTitanCredential
    ) -> None:
        titan.seed(customers=35, invoices=12)
        assert sync(credential).sync_log.counts.created == 47
        assert titan.sandbox.violations == []
        queries = titan.queries("/customers")
        assert {query["active"] for query in queries} == {"Any"}
        assert {query["sort"] for query in queries} == {"+ModifiedOn"}
        assert {query["activeState"] for query in titan.queries("/invoices")} == {"All"}
        high_water = cursor(credential, "customers").high_water
        assert high_water is not None
        titan.mount.journal.clear()
        result = sync(credential, "customers")
        assert set(counts(result)) == {"unchanged"}
        since = datetime.fromisoformat(titan.queries("/customers")[0]["modifiedOnOrAfter"])
        assert since == high_water - timedelta(minutes=5)

    def test_a_record_that_changes_between_two_pages_hides_no_other(
        self, titan: Titan, credential: ServiceTitanCredential
    ) -> None:
        titan.seed(customers=35)
        titan.sim("mutate", kind="customers", times=1)
        sync(credential, "customers")
        assert ServiceTitanCustomer.objects.count() == 35

    def test_a_time_of_change_in_the_future_hides_no_later_change(
        self, titan: Titan, credential: ServiceTitanCredential
    ) -> None:
        titan.hold("customers", customer(1, modifiedOn="2999-01-01T00:00:00Z"), customer(2))
        sync(credential, "customers")
        titan.hold("customers", customer(3, modifiedOn=now_stamp()))
        assert counts(sync(credential, "customers"))["created"] == 1

    def test_many_records_of_one_moment_are_paged_by_number(
        self, titan: Titan, credential: ServiceTitanCredential
    ) -> None:
        titan.hold("customers", *(customer(number) for number in range(1, 36)))
        sync(credential, "customers")
        assert ServiceTitanCustomer.objects.count() == 35
        assert [query["page"] for query in titan.queries("/customers")] == ["1", "1", "2", "3", "4"]
