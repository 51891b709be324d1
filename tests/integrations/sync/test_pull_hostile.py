"""Records and pages that are not what was promised: each costs itself, never its neighbors."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from integrations.http.errors import BadReply, IntegrationError
from integrations.http.session import ApiSession
from integrations.models import Integration, SyncCursor
from integrations.sync.pull import Pull
from synclogs.counts import Counts
from tests.integrations.sync.conftest import NewRun, Shop
from tests.integrations.sync.shop import Customers, FedCustomers, ShopCustomer, customer

GOOD = customer(1)


class Incremental(Customers):
    """The list, where an unfinished pull is gone on with by whoever comes next."""

    lists_everything = False


@pytest.mark.parametrize(
    ("bad", "code", "field"),
    [
        (customer(7, name=None), "wrong_type", "name"),
        (customer(7, name={"a": 1}), "wrong_type", "name"),
        (customer(7, name="x" * 21), "too_long", "name"),
        (customer(7, name="a\x00b"), "bad_character", ""),
        (customer(7, extra={"deep": ["a\x00"]}), "bad_character", ""),
        (customer(7, balance="much"), "wrong_type", "balance"),
        (customer(7, balance="NaN"), "out_of_range", "balance"),
        (customer(7, balance=10**14), "out_of_range", "balance"),
        (customer(7, visits=2**31), "out_of_range", "visits"),
        (customer(7, visits=None), "wrong_type", "visits"),
        (customer(7, modifiedOn="yesterday"), "wrong_type", "modifiedOn"),
        ({"id": 7}, "missing", "name"),
        ({"id": "7", "name": "x"}, "wrong_type", "id"),
        ({"id": 2**63, "name": "x"}, "out_of_range", "id"),
        ({"name": "x"}, "missing", "id"),
        ([1, 2], "wrong_type", ""),
        (None, "wrong_type", ""),
        ('{"id": 7, "name": "half \\ud83d"}', "bad_character", ""),
        ('{"id": 7, "name": "x", "balance": 1e400}', "out_of_range", "balance"),
    ],
)
def test_a_record_that_cannot_be_taken_fails_alone(
    shop: Shop,
    session: ApiSession,
    integration: Integration,
    new_run: NewRun,
    bad: Any,
    code: str,
    field: str,
) -> None:
    shop.sandbox.customers = [GOOD, bad if isinstance(bad, str) else json.dumps(bad), customer(3)]
    run = new_run()
    assert Pull(Customers(session), run, integration).run() == Counts(created=2, failed=1)
    issue = run.issues.get()
    assert (issue.error_code, issue.field, issue.index, issue.stream) == (code, field, 1, "customers")
    assert issue.source_id in ("7", "")
    assert "\\ud83d" not in issue.excerpt


def test_a_refused_record_is_tried_again_and_taken_once_it_is_right(
    shop: Shop, session: ApiSession, integration: Integration, new_run: NewRun
) -> None:
    shop.sandbox.customers = [GOOD, customer(2, name=None)]
    for _ in range(2):
        assert Pull(Customers(session), new_run(), integration).run().failed == 1
    shop.sandbox.customers = [GOOD, customer(2)]
    assert Pull(Customers(session), new_run(), integration).run() == Counts(created=1, unchanged=1)


def test_what_only_the_database_refuses_is_found_by_halves(
    shop: Shop, session: ApiSession, integration: Integration, new_run: NewRun
) -> None:
    """A check constraint, here that of the visits, is something that no schema knows of."""
    shop.sandbox.customers = [customer(n, visits=13 if n == 4 else n) for n in range(1, 11)]
    run = new_run()
    assert Pull(Customers(session), run, integration).run() == Counts(created=9, failed=1)
    issue = run.issues.get()
    assert (issue.source_id, issue.error_code, issue.index) == ("4", "refused_by_database", 3)
    shop.sandbox.customers = [customer(n, visits=13 if n == 7 else 5) for n in range(1, 11)]
    assert Pull(Customers(session), new_run(), integration).run() == Counts(
        created=1, updated=7, unchanged=1, failed=1
    )
    assert ShopCustomer.objects.get(external_id=7).visits == 7


@pytest.mark.parametrize(
    "body",
    [
        "<html>sorry</html>",
        "",
        "[]",
        "null",
        '{"hasMore": false}',
        '{"hasMore": false, "data": {}}',
        '{"hasMore": 1, "data": []}',
        '{"hasMore": true, "data": [{"id": 1',
    ],
)
def test_a_page_of_another_shape_ends_the_pull_and_keeps_the_cursor(
    shop: Shop, session: ApiSession, integration: Integration, new_run: NewRun, body: str
) -> None:
    shop.seed(12)
    shop.fault("status", status=200, body=body, match={"path": "customers"}, after=2)
    with pytest.raises(BadReply):
        Pull(Customers(session, in_flight=1), new_run(), integration).run()
    assert SyncCursor.objects.get().state["page"] == 3
    assert ShopCustomer.objects.count() == 10


@pytest.mark.parametrize("status", [401, 403, 404, 409, 429, 500, 503])
def test_an_error_of_the_vendor_ends_the_pull_and_keeps_what_was_committed(
    shop: Shop, session: ApiSession, integration: Integration, new_run: NewRun, status: int
) -> None:
    shop.seed(23)
    shop.fault("status", status=status, after=3)
    with pytest.raises(IntegrationError) as error:
        Pull(Incremental(session, in_flight=1), new_run(), integration).run()
    assert error.value.status == status
    assert ShopCustomer.objects.count() == 15
    shop.forget_calls()
    assert Pull(Incremental(session), new_run(), integration).run() == Counts(created=8)
    assert shop.asked() == ["4", "5"]


def test_a_page_in_windows_1252_or_with_a_byte_order_mark_is_read(
    shop: Shop, session: ApiSession, integration: Integration, new_run: NewRun
) -> None:
    shop.sandbox.encoding = "cp1252"
    shop.sandbox.customers = ['{"id": 1, "name": "Café"}']
    Pull(Customers(session), new_run(), integration).run()
    shop.sandbox.encoding = "utf-8-sig"
    shop.sandbox.customers = ['{"id": 2, "name": "Olé €"}', '{"id": 1, "name": "Café"}']
    assert Pull(Customers(session), new_run(), integration).run().created == 1
    assert set(ShopCustomer.objects.values_list("name", flat=True)) == {"Café", "Olé €"}


def test_exact_numbers_and_odd_texts_survive(
    shop: Shop, session: ApiSession, integration: Integration, new_run: NewRun
) -> None:
    odd = 'tab\t"quote" \\N \\. 樹😀'
    text = f'{{"id": 1, "name": {json.dumps(odd)}, "balance": 12345678901234.5678, "more": [1.10, 1e2]}}'
    shop.sandbox.customers = [text]
    run = new_run()
    assert Pull(Customers(session), run, integration).run() == Counts(created=1)
    stored = ShopCustomer.objects.get()
    assert stored.name == odd
    assert stored.raw["more"] == [1.1, 100]
    if connection.vendor == "postgresql":
        assert str(stored.balance) == "12345678901234.5678"
    shop.sandbox.customers = [text.replace("5678,", "5679,")]
    assert Pull(Customers(session), new_run(), integration).run() == Counts(updated=1)


def test_a_key_twice_in_a_batch_is_taken_once_and_the_one_modified_last_stays(
    shop: Shop, session: ApiSession, integration: Integration, new_run: NewRun
) -> None:
    newer = customer(1, name="newer", modifiedOn="2026-03-01T00:00:00Z")
    shop.sandbox.customers = [
        newer,
        customer(1),
        customer(1, name=None),
        customer(2),
        customer(2, name="last"),
    ]
    run = new_run()
    counts = Pull(Customers(session), run, integration).run()
    assert counts == Counts(created=2, skipped=2, failed=1)
    assert dict(ShopCustomer.objects.values_list("external_id", "name")) == {1: "newer", 2: "last"}


def test_an_older_record_never_replaces_a_newer_one(
    shop: Shop, session: ApiSession, integration: Integration, new_run: NewRun
) -> None:
    shop.sandbox.customers = [customer(1, modifiedOn="2026-03-01T00:00:00Z")]
    Pull(Customers(session), new_run(), integration).run()
    shop.sandbox.customers = [customer(1, name="old", modifiedOn="2026-02-28T23:59:59.999999Z")]
    assert Pull(Customers(session), new_run(), integration).run() == Counts(skipped=1)
    shop.sandbox.customers = [customer(1, name="same time", modifiedOn="2026-03-01T00:00:00Z")]
    assert Pull(Customers(session), new_run(), integration).run() == Counts(updated=1)
    shop.sandbox.customers = [customer(1, name="no time", modifiedOn=None)]
    assert Pull(Customers(session), new_run(), integration).run() == Counts(updated=1)


def test_unknown_fields_are_kept_and_reported_once(
    shop: Shop, session: ApiSession, integration: Integration, new_run: NewRun, caplog: Any
) -> None:
    shop.sandbox.customers = [customer(1, loyalty={"tier": 3})]
    first, second = new_run(), new_run()
    Pull(Customers(session), first, integration).run()
    shop.sandbox.customers = [customer(1, loyalty={"tier": 4})]
    Pull(Customers(session), second, integration).run()
    assert ShopCustomer.objects.get().raw["loyalty"] == {"tier": 4}
    first.refresh_from_db()
    second.refresh_from_db()
    assert first.context["unknown_fields"] == {"customers": ["loyalty"]}
    assert "unknown_fields" not in second.context
    assert caplog.text.count("loyalty") == 1


def test_a_new_mapping_rewrites_what_did_not_change(
    shop: Shop, session: ApiSession, integration: Integration, new_run: NewRun
) -> None:
    class Newer(Customers):
        mapping_version = 2

    shop.seed(3)
    Pull(Customers(session), new_run(), integration).run()
    assert Pull(Newer(session), new_run(), integration).run() == Counts(updated=3)
    assert Pull(Newer(session), new_run(), integration).run() == Counts(unchanged=3)


def test_a_feed_that_does_not_move_on_is_stopped(
    shop: Shop, session: ApiSession, integration: Integration, new_run: NewRun
) -> None:
    body = json.dumps({"hasMore": True, "continueFrom": "5", "data": []})
    shop.seed(12)
    shop.fault("status", status=200, body=body, times=2, after=1)
    with pytest.raises(BadReply, match="does not move on"):
        Pull(FedCustomers(session), new_run(), integration).run()


def test_an_empty_page_does_not_end_a_feed(
    shop: Shop, session: ApiSession, integration: Integration, new_run: NewRun
) -> None:
    shop.seed(3)
    shop.fault("status", status=200, body=json.dumps({"hasMore": True, "continueFrom": "0", "data": []}))
    assert Pull(FedCustomers(session), new_run(), integration).run() == Counts(created=3)


def test_issues_are_capped_and_all_are_counted(
    shop: Shop, session: ApiSession, integration: Integration, new_run: NewRun, monkeypatch: Any
) -> None:
    monkeypatch.setattr("synclogs.issues.MAX_ISSUES_PER_RUN", 7)
    shop.sandbox.customers = [customer(n, name=None) for n in range(23)]
    run = new_run()
    assert Pull(Customers(session), run, integration).run() == Counts(failed=23)
    assert run.issues.count() == 7


def test_statements_do_not_grow_with_the_records(
    shop: Shop, session: ApiSession, integration: Integration, new_run: NewRun
) -> None:
    class Wide(Customers):
        batch_size = 10_000

    def count(rows: int) -> tuple[int, list[str]]:
        shop.sandbox.customers = [customer(n, name=f"{rows} {n}") for n in range(rows)]
        run = new_run()
        with CaptureQueriesContext(connection) as queries:
            Pull(Wide(session), run, integration).run()
        statements = [query["sql"] for query in queries.captured_queries]
        return len(statements), statements

    count(3)
    few, many = count(6)[0], count(200)[0]
    assert few == many
    shop.sandbox.customers = list(shop.sandbox.customers)
    statements = count(200)[1]
    assert not [
        text for text in statements if "tests_shop" in text and text.lstrip()[:6] in ("INSERT", "UPDATE")
    ]
