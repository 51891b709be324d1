"""Two writers that meet the same key at the same time, on connections of their own."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Sequence
from typing import Any

import msgspec
import pytest
from django.db import connection

from integrations.http.paginators import Page, PageWalk
from integrations.models import Integration
from integrations.sync.bulk_stream import Start
from integrations.sync.pull import Pull
from integrations.sync.records import Plan, RawRecord
from synclogs.counts import Counts
from synclogs.models import SyncLog
from tests.integrations.sync.conftest import NewRun, Shop
from tests.integrations.sync.shop import Customers, ShopCustomer, customer

PATIENCE = 0.5 if connection.vendor == "sqlite" else 10.0


class Given(Customers):
    """One page of given customers; says when it has looked up and merged them."""

    restored_by_clearing = None

    def __init__(self, customers: list[dict[str, Any]], **hooks: Callable[[], object]) -> None:
        super().__init__(None)  # type: ignore[arg-type]
        self._customers = customers
        self._hooks = hooks

    def pages(self, start: Start) -> PageWalk:
        yield Page([msgspec.Raw(json.dumps(one).encode()) for one in self._customers], {}, is_last=True)

    def prepare(self, records: Sequence[RawRecord], *, write: bool) -> None:
        self._hooks.get("looked_up", lambda: None)()

    def after_merge(self, plan: Plan[RawRecord]) -> None:
        self._hooks.get("merged", lambda: None)()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("modified", "expected", "name"),
    [
        ("2026-05-01T00:00:00Z", Counts(created=1, updated=1), "second"),
        ("2025-05-01T00:00:00Z", Counts(created=1, skipped=1), "first"),
    ],
)
def test_the_key_is_stored_once_and_counted_as_what_it_came_to(
    shop: Shop, integration: Integration, new_run: NewRun, modified: str, expected: Counts, name: str
) -> None:
    merged, looked_up = threading.Event(), threading.Event()
    counts: dict[str, Counts] = {}

    def wait_in_the_transaction() -> None:
        merged.set()
        looked_up.wait(PATIENCE)

    def pull(label: str, run: SyncLog, stream: Given) -> None:
        try:
            counts[label] = Pull(stream, run, integration, partition=label).run()
        finally:
            connection.close()

    first = Given([customer(1, name="first")], merged=wait_in_the_transaction)
    second = Given([customer(1, name="second", modifiedOn=modified), customer(2)], looked_up=looked_up.set)
    runs = new_run(), new_run()
    threads = [threading.Thread(target=pull, args=("a", runs[0], first))]
    threads[0].start()
    assert merged.wait(10)
    threads.append(threading.Thread(target=pull, args=("b", runs[1], second)))
    threads[1].start()
    for thread in threads:
        thread.join(20)
    assert counts == {"a": Counts(created=1), "b": expected}
    assert dict(ShopCustomer.objects.values_list("external_id", "name")) == {1: name, 2: "Customer 2"}
    runs[1].refresh_from_db()
    assert runs[1].counts == expected
