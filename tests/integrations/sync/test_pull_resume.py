"""Where a pull goes on, what it leaves alone, and who may write."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from integrations.http.deadline import Deadline
from integrations.http.errors import DeadlinePassed
from integrations.http.session import ApiSession
from integrations.models import Integration, SyncCursor
from integrations.sync.bulk_stream import Window
from integrations.sync.pull import Pull
from integrations.sync.seen import SeenRows
from synclogs.counts import Counts
from synclogs.models import RunFenced, SyncLog
from tests.integrations.sync.conftest import NewRun, Shop
from tests.integrations.sync.shop import Customers, FedCustomers, ShopCustomer, customer


class Killed(BaseException):
    """The process dies here."""


class DiesAfter:
    """A reporter that dies once so many batches are committed."""

    def __init__(self, batches: int) -> None:
        self._left = batches

    def phase(self, text: str) -> None:
        """Say nothing."""

    def expect(self, records: int) -> None:
        """Say nothing."""

    def advance(self, counts: Counts) -> None:
        """Count batches."""
        self._left -= 1
        if not self._left:
            raise Killed


class OnePageEach(FedCustomers):
    """Each page is a batch, none is fetched ahead of time that is not needed next."""

    batch_size = 1


@pytest.mark.parametrize("stream", [Customers, FedCustomers, OnePageEach])
@pytest.mark.parametrize("batches", [1, 2, 3])
def test_a_killed_pull_goes_on_from_the_last_committed_batch(
    shop: Shop,
    session: ApiSession,
    integration: Integration,
    new_run: NewRun,
    stream: type[Customers],
    batches: int,
) -> None:
    shop.seed(33)
    run = new_run()
    with pytest.raises(Killed):
        Pull(stream(session), run, integration, reporter=DiesAfter(batches)).run()
    run = SyncLog.objects.get(pk=run.pk)
    committed = ShopCustomer.objects.count()
    shop.forget_calls()
    counts = Pull(stream(session), run, integration).run()
    assert counts == Counts(created=33 - committed)
    assert len(shop.asked()) == -(-(33 - committed) // 5)
    run.refresh_from_db()
    assert run.counts == Counts(created=33)
    assert ShopCustomer.objects.count() == 33
    shop.forget_calls()
    assert Pull(stream(session), run, integration).run() == Counts()
    assert shop.asked() == []


def test_a_run_that_was_taken_over_writes_nothing_more(
    shop: Shop, session: ApiSession, integration: Integration, new_run: NewRun
) -> None:
    shop.seed(23)
    run = new_run()

    class TakenOver(DiesAfter):
        def advance(self, counts: Counts) -> None:
            SyncLog.objects.filter(pk=run.pk).update(owner_token="another")

    with pytest.raises(RunFenced):
        Pull(Customers(session), run, integration, reporter=TakenOver(0)).run()
    assert ShopCustomer.objects.count() == 10
    assert SyncCursor.objects.get().state["page"] == 3
    run.refresh_from_db()
    assert run.counts == Counts(created=10)


def test_the_cursor_is_never_ahead_of_the_rows(
    shop: Shop, session: ApiSession, integration: Integration, new_run: NewRun, monkeypatch: Any
) -> None:
    shop.seed(23)

    def dies(*args: Any) -> None:
        raise Killed

    monkeypatch.setattr(SyncLog, "add_batch", dies)
    with pytest.raises(Killed):
        Pull(Customers(session), new_run(), integration).run()
    assert ShopCustomer.objects.count() == 0
    assert SyncCursor.objects.get().state == {}


def test_what_is_gone_is_marked_after_a_complete_listing_and_restored_when_it_returns(
    shop: Shop, session: ApiSession, integration: Integration, new_run: NewRun
) -> None:
    shop.seed(12)
    Pull(Customers(session), new_run(), integration).run()
    gone = shop.sandbox.customers.pop(6)
    run = new_run()
    assert Pull(Customers(session), run, integration).run() == Counts(unchanged=11, removed=1)
    removed = ShopCustomer.objects.get(external_id=7)
    assert removed.removed_at is not None
    assert (removed.last_run_id, removed.changed_fields) == (run.pk, ["removed_at"])
    assert Pull(Customers(session), new_run(), integration).run() == Counts(unchanged=11)
    shop.sandbox.customers.append(gone)
    assert Pull(Customers(session), new_run(), integration).run() == Counts(unchanged=11, updated=1)
    returned = ShopCustomer.objects.get(external_id=7)
    assert (returned.removed_at, returned.changed_fields, returned.pk) == (None, ["removed_at"], removed.pk)


def test_a_killed_listing_still_knows_at_its_end_what_is_gone(
    shop: Shop, session: ApiSession, integration: Integration, new_run: NewRun
) -> None:
    shop.seed(33)
    Pull(Customers(session), new_run(), integration).run()
    del shop.sandbox.customers[2], shop.sandbox.customers[30]
    run = new_run()
    with pytest.raises(Killed):
        Pull(Customers(session), run, integration, reporter=DiesAfter(2)).run()
    assert not ShopCustomer.objects.exclude(removed_at=None).exists()
    run = SyncLog.objects.get(pk=run.pk)
    Pull(Customers(session), run, integration).run()
    gone = ShopCustomer.objects.exclude(removed_at=None)
    assert set(gone.values_list("external_id", flat=True)) == {3, 32}
    run.refresh_from_db()
    assert run.counts == Counts(unchanged=31, removed=2)


def test_nothing_is_removed_when_it_cannot_be_told_what_is_gone(
    shop: Shop, session: ApiSession, integration: Integration, new_run: NewRun
) -> None:
    shop.seed(12)
    Pull(Customers(session), new_run(), integration).run()
    everything = shop.sandbox.customers
    shop.sandbox.customers = []
    assert Pull(Customers(session), new_run(), integration).run() == Counts()
    shop.sandbox.customers = [*everything[:5], {"name": "without a key"}]
    assert Pull(Customers(session), new_run(), integration).run() == Counts(unchanged=5, failed=1)
    shop.sandbox.customers = [*everything[:11], customer(12, name=None)]
    assert Pull(Customers(session), new_run(), integration).run() == Counts(unchanged=11, failed=1)
    assert not ShopCustomer.objects.exclude(removed_at=None).exists()


def test_what_others_wrote_during_the_listing_stays_and_so_do_other_scopes(
    shop: Shop, session: ApiSession, integration: Integration, new_run: NewRun
) -> None:
    shop.seed(2)
    Pull(Customers(session), new_run(), integration).run()
    later = timezone.now() + timedelta(minutes=1)
    ShopCustomer.objects.filter(external_id=2).update(last_changed_at=later)
    Pull(Customers(session, shop=2), new_run(), integration).run()
    shop.sandbox.customers = [customer(1)]
    assert Pull(Customers(session), new_run(), integration).run() == Counts(unchanged=1)
    assert ShopCustomer.objects.count() == 4


def test_an_incremental_pull_removes_nothing_and_a_full_one_does(
    shop: Shop, session: ApiSession, integration: Integration, new_run: NewRun
) -> None:
    shop.seed(12)
    Pull(FedCustomers(session), new_run(), integration).run()
    assert Pull(FedCustomers(session), new_run(), integration).run() == Counts()
    shop.sandbox.customers.pop()
    shop.forget_calls()
    seen: list[int] = []

    class Watching(DiesAfter):
        def advance(self, counts: Counts) -> None:
            seen.append(ShopCustomer.objects.filter(removed_at=None).count())

    counts = Pull(FedCustomers(session), new_run(), integration, full=True, reporter=Watching(0)).run()
    assert counts == Counts(unchanged=11, removed=1)
    assert shop.asked("from") == ["", "5", "10"]
    assert seen == [12, 12, 11]
    state = SyncCursor.objects.get().state
    assert state["continue_from"] == "11"
    assert "last_full_sync_at" in state


def test_a_backfill_never_moves_the_live_cursor(
    shop: Shop, session: ApiSession, integration: Integration, new_run: NewRun
) -> None:
    shop.seed(12)
    Pull(Customers(session), new_run(), integration).run()
    live = SyncCursor.objects.values().get()
    ShopCustomer.objects.filter(external_id__gte=9).update(name="wrong", payload_hash="", content_hash="")
    window = Window(datetime(2026, 1, 1, 0, 9, tzinfo=UTC))
    run = new_run()
    counts = Pull(Customers(session), run, integration, window=window).run()
    assert counts == Counts(updated=4)
    assert SyncCursor.objects.values().get(partition="") == live
    assert Pull(Customers(session), new_run(), integration, window=window).run() == Counts(unchanged=4)
    assert ShopCustomer.objects.filter(removed_at=None).count() == 12


def test_no_request_and_no_batch_begins_after_the_deadline(
    shop: Shop, session: ApiSession, integration: Integration, new_run: NewRun
) -> None:
    shop.seed(23)
    with pytest.raises(DeadlinePassed):
        Pull(Customers(session), new_run(), integration, deadline=Deadline(0)).run()
    assert shop.asked() == []
    shop.fault("latency", seconds=0.4, after=2)
    with pytest.raises(DeadlinePassed):
        Pull(Customers(session, in_flight=1), new_run(), integration, deadline=Deadline(0.3)).run()
    assert ShopCustomer.objects.count() == 10


def test_stopping_is_heard_between_batches(
    shop: Shop, session: ApiSession, integration: Integration, new_run: NewRun
) -> None:
    shop.seed(23)
    calls = iter([None, Killed()])

    def check() -> None:
        if stop := next(calls):
            raise stop

    with pytest.raises(Killed):
        Pull(Customers(session), new_run(), integration, check=check).run()
    assert ShopCustomer.objects.count() == 10


def test_the_rows_seen_survive_as_text_and_stay_small() -> None:
    seen = SeenRows()
    seen.add(range(1, 300_000))
    assert len(seen.kept() or "") < 1000
    again = SeenRows(seen.kept() or "")
    assert 299_999 in again
    assert 300_000 not in again
    assert 10**9 not in again
    again.add([])
    assert 0 not in SeenRows("")


def test_more_rows_than_can_be_remembered_are_not_kept() -> None:
    seen = SeenRows()
    seen.add(random.Random(1).choices(range(3_000_000), k=400_000))
    assert seen.kept() is None
