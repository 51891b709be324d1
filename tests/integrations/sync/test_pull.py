"""Pulling a bulk stream: what is fetched, what is written, where it goes on."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from integrations.http.session import ApiSession
from integrations.models import Integration, SyncCursor
from integrations.sync.pull import Pull
from synclogs.counts import Counts
from tests.integrations.sync.conftest import NewRun, Shop
from tests.integrations.sync.shop import Customers, FedCustomers, ShopCustomer, customer


def test_a_list_is_mirrored_page_by_page(
    shop: Shop, session: ApiSession, integration: Integration, new_run: NewRun
) -> None:
    shop.seed(23)
    run = new_run()
    assert Pull(Customers(session), run, integration).run() == Counts(created=23)
    assert sorted(shop.asked()) == ["1", "2", "3", "4", "5"]
    stored = ShopCustomer.objects.get(external_id=7)
    assert (stored.name, stored.balance, stored.address) == (
        "Customer 7",
        Decimal("7.5"),
        {"city": "Glendale", "zip": "91203"},
    )
    assert (stored.last_run_id, stored.changed_fields, stored.remark) == (run.pk, [], "none")
    assert stored.raw == customer(7)
    run.refresh_from_db()
    assert run.counts == Counts(created=23)
    cursor = SyncCursor.objects.get()
    assert "page" not in cursor.state
    assert cursor.high_water == datetime.fromisoformat(customer(23)["modifiedOn"])


def test_what_is_as_it_was_is_not_written(
    shop: Shop, session: ApiSession, integration: Integration, new_run: NewRun
) -> None:
    shop.seed(23)
    Pull(Customers(session), new_run(), integration).run()
    before = list(ShopCustomer.objects.order_by("pk").values())
    assert Pull(Customers(session), new_run(), integration).run() == Counts(unchanged=23)
    assert list(ShopCustomer.objects.order_by("pk").values()) == before


def test_a_change_is_written_and_named(
    shop: Shop, session: ApiSession, integration: Integration, new_run: NewRun
) -> None:
    shop.seed(12)
    Pull(Customers(session), new_run(), integration).run()
    shop.sandbox.customers[3] = customer(4, name="New name", balance=9)
    shop.sandbox.customers[4] = dict(reversed(customer(5).items()))
    run = new_run()
    assert Pull(Customers(session), run, integration).run() == Counts(updated=1, unchanged=11)
    stored = ShopCustomer.objects.get(external_id=4)
    assert (stored.name, stored.changed_fields) == ("New name", ["balance", "name"])
    run.refresh_from_db()
    assert run.changed_fields == {"balance": 1, "name": 1}


def test_a_feed_goes_on_where_it_stopped(
    shop: Shop, session: ApiSession, integration: Integration, new_run: NewRun
) -> None:
    shop.seed(12)
    assert Pull(FedCustomers(session), new_run(), integration).run() == Counts(created=12)
    assert shop.asked("from") == ["", "5", "10"]
    shop.sandbox.customers.append(customer(13))
    shop.forget_calls()
    assert Pull(FedCustomers(session), new_run(), integration).run() == Counts(created=1)
    assert shop.asked("from") == ["12"]
