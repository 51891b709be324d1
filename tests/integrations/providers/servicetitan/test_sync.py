"""A sync: what arrives, where it goes on, and how it ends."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection

from integrations.models import SyncCursor
from integrations.providers.servicetitan.errors import (
    ServiceTitanApiError,
)
from integrations.providers.servicetitan.models import (
    ServiceTitanCredential,
    ServiceTitanCustomer,
    ServiceTitanInvoice,
)
from integrations.providers.servicetitan.sandbox.dataset import now_stamp
from synclogs.models import SyncIssue, SyncStatus
from tests.integrations.providers.servicetitan.conftest import MakeCredential, Titan
from tests.integrations.providers.servicetitan.syncing import EXPORT, counts, cursor, customer, last_run, sync

pytestmark = pytest.mark.django_db


def test_everything_arrives_and_a_second_run_asks_for_what_is_new(
    titan: Titan, credential: ServiceTitanCredential
) -> None:
    titan.seed(customers=30, invoices=20)
    titan.sim("switches", feed_page_size=10)
    result = sync(credential)
    assert counts(result) == {"created": 50}
    assert (result.processed_count, result.successful_count, result.failed_count) == (50, 50, 0)
    assert result.sync_log.sync_status == SyncStatus.COMPLETED
    kinds = [call["path"].rpartition("/")[2] for call in titan.calls(EXPORT)]
    assert kinds == ["customers"] * 3 + ["invoices"] * 2
    titan.mount.journal.clear()
    assert counts(sync(credential)) == {}
    queries = titan.queries(EXPORT)
    assert len(queries) == 2
    assert all(query.keys() == {"from"} for query in queries)
    assert titan.sandbox.violations == []


def test_columns_hold_what_the_vendor_sent(titan: Titan, credential: ServiceTitanCredential) -> None:
    titan.seed(customers=3, invoices=3)
    sync(credential)
    held = ServiceTitanCustomer.objects.get(external_id=10_001)
    assert held.raw["address"] == held.address
    assert held.source_modified_on is not None
    assert held.raw["modifiedOn"].startswith(held.source_modified_on.strftime("%Y-%m-%dT%H:%M:%S.%f"))
    invoice = ServiceTitanInvoice.objects.get(external_id=50_001)
    assert (invoice.customer_external_id, invoice.job_number) == (10_001, "J1")
    assert invoice.total == Decimal(invoice.raw["total"])
    assert invoice.items == invoice.raw["items"]
    assert invoice.business_unit_name == invoice.raw["businessUnit"]["name"]


def test_money_is_exact_as_text_and_as_number(titan: Titan, credential: ServiceTitanCredential) -> None:
    exact = "12345678901234.5678" if connection.vendor == "postgresql" else "12345678901.2345"
    titan.hold("customers", customer(1, balance=12345678901.2345))
    titan.hold("invoices", {"id": 1, "total": exact, "modifiedOn": "2024-05-02T11:22:33Z"})
    sync(credential)
    assert ServiceTitanCustomer.objects.get().balance == Decimal("12345678901.2345")
    assert ServiceTitanInvoice.objects.get().total == Decimal(exact)
    assert ServiceTitanInvoice.objects.get().raw["total"] == exact


def test_moments_are_cut_to_microseconds_never_rounded_up(
    titan: Titan, credential: ServiceTitanCredential
) -> None:
    titan.hold("customers", customer(1, modifiedOn="2021-07-19T20:35:38.9999999Z"))
    sync(credential)
    expected = datetime(2021, 7, 19, 20, 35, 38, 999_999, tzinfo=UTC)
    assert ServiceTitanCustomer.objects.get().source_modified_on == expected


def test_missing_fields_are_null_and_unknown_ones_stay_in_raw(
    titan: Titan, credential: ServiceTitanCredential
) -> None:
    titan.hold("customers", {"id": 1, "loyalty": {"tier": "gold"}, "modifiedOn": "2024-05-02T11:22:33Z"})
    sync(credential, "customers")
    held = ServiceTitanCustomer.objects.get()
    assert (held.name, held.balance, held.address, held.active) == (None, None, None, None)
    assert held.raw["loyalty"] == {"tier": "gold"}
    assert last_run().context["unknown_fields"] == {"customers": ["loyalty"]}


def test_bad_records_are_issues_and_do_not_stop_the_page(
    titan: Titan, credential: ServiceTitanCredential
) -> None:
    titan.seed(customers=10, invoices=5, hostile=True)
    result = sync(credential)
    assert counts(result) == {"created": 15, "failed": 6}
    run = result.sync_log
    assert (run.sync_status, run.error_code) == (SyncStatus.WARNING, "records_lost")
    assert result.successful
    assert result.errors == ["6 records could not be taken: see the issues."]
    assert SyncIssue.objects.filter(run=run).count() == 6
    credential.refresh_from_db()
    assert credential.last_successful_sync_at is not None


def test_an_older_version_is_skipped_and_one_without_a_time_is_taken(
    titan: Titan, credential: ServiceTitanCredential
) -> None:
    titan.hold("customers", customer(1, name="New"))
    sync(credential, "customers")
    titan.hold("customers", customer(1, name="Old", modifiedOn="2023-01-01T00:00:00Z"))
    assert counts(sync(credential, "customers", incremental_only=False)) == {"skipped": 1}
    titan.hold("customers", customer(1, name="Timeless", modifiedOn=None, createdOn="2026-01-01T00:00:00Z"))
    assert counts(sync(credential, "customers", incremental_only=False)) == {"updated": 1}
    assert ServiceTitanCustomer.objects.get().name == "Timeless"


def test_the_feed_brings_inactive_customers(titan: Titan, credential: ServiceTitanCredential) -> None:
    titan.hold("customers", customer(1), customer(2, active=False, mergedToId=1))
    sync(credential, "customers")
    assert ServiceTitanCustomer.objects.get(external_id=2).merged_to_id == 1


def test_a_young_change_arrives_with_a_later_run(titan: Titan, credential: ServiceTitanCredential) -> None:
    titan.hold("customers", customer(1), customer(2, modifiedOn=now_stamp()))
    assert counts(sync(credential, "customers")) == {"created": 1}
    titan.sim("switches", feed_lag_s=0)
    assert counts(sync(credential, "customers")) == {"created": 1}


def test_an_empty_first_page_does_not_end_the_feed(titan: Titan, credential: ServiceTitanCredential) -> None:
    titan.seed(customers=5)
    titan.sim("quirks", kind="customers", empty_first_page=1)
    assert counts(sync(credential, "customers")) == {"created": 5}


def test_a_feed_that_does_not_move_on_is_stopped(titan: Titan, credential: ServiceTitanCredential) -> None:
    titan.seed(customers=25)
    titan.sim("switches", feed_page_size=10)
    titan.sim("quirks", kind="customers", stuck_token=1000)
    with pytest.raises(ServiceTitanApiError, match="does not move on"):
        sync(credential, "customers")
    assert len(titan.calls(EXPORT)) == 2
    assert last_run().counts.created == 10


def test_the_same_id_in_two_environments_is_two_customers(
    titan: Titan, make_credential: MakeCredential
) -> None:
    titan.seed(customers=4, invoices=0)
    first = make_credential()
    second = make_credential(account=first.account, environment="production")
    sync(first)
    sync(second)
    assert ServiceTitanCustomer.objects.filter(external_id=10_001).count() == 2
    assert ServiceTitanCustomer.objects.filter(credential=second).count() == 4


def test_a_token_that_the_feed_forgot_is_replaced_by_the_high_water_mark(
    titan: Titan, credential: ServiceTitanCredential
) -> None:
    titan.seed(customers=12)
    sync(credential, "customers")
    held = cursor(credential, "customers")
    assert held.state["records_total"] == 12
    assert held.high_water is not None
    SyncCursor.objects.filter(pk=held.pk).update(state=held.state | {"continue_from": "forgotten"})
    titan.mount.journal.clear()
    result = sync(credential, "customers")
    assert set(counts(result)) == {"unchanged"}
    first, second = titan.queries(EXPORT)
    assert first == {"from": "forgotten"}
    since = datetime.fromisoformat(second["from"])
    assert since == held.high_water - timedelta(minutes=5)


def test_a_full_sync_reads_everything_again(titan: Titan, credential: ServiceTitanCredential) -> None:
    titan.seed(customers=12)
    sync(credential, "customers")
    assert counts(sync(credential, "customers", incremental_only=False)) == {"unchanged": 12}


def test_pages_larger_than_the_batch_size_are_written_in_pieces(
    titan: Titan, credential: ServiceTitanCredential, django_assert_max_num_queries: Any
) -> None:
    titan.seed(customers=25)
    assert counts(sync(credential, "customers", batch_size=10)) == {"created": 25}
    assert cursor(credential, "customers").state["records_total"] == 25
