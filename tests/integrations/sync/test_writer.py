"""The writer on its own: what it counts, writes, refuses and leaves alone."""

from __future__ import annotations

import random

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from circuits.models import Circuit
from integrations.jobs.outcomes import JobCancelled
from integrations.sync.value_intake import content_hash
from integrations.sync.writer import Writer
from synclogs.counts import Counts
from synclogs.models import RunFenced, SyncLog
from tests.integrations.sync.conftest import NewRun, Titles, titles


def writes(queries: CaptureQueriesContext) -> list[str]:
    """The statements that change circuits."""
    return [
        query["sql"]
        for query in queries.captured_queries
        if "circuits_circuit" in query["sql"] and not query["sql"].lstrip().upper().startswith("SELECT")
    ]


def test_new_changed_same_twice_and_bad_records_are_counted_each_in_its_way(new_run: NewRun) -> None:
    Writer(Titles(), new_run()).write([("a", "one"), ("b", "two"), ("c", "three")])
    run = new_run()
    counts = Writer(Titles(), run).write(
        [("a", "one"), ("b", "TWO"), ("d", "first"), ("d", "four"), ("e", "bad")]
    )
    assert counts == Counts(created=1, updated=1, unchanged=1, skipped=1, failed=1)
    assert titles() == {"a": "one", "b": "TWO", "c": "three", "d": "four"}
    run.refresh_from_db()
    assert run.counts == counts
    assert run.records_processed == 5
    assert run.changed_fields == {"title": 1}


def test_a_refused_record_becomes_an_issue_with_a_redacted_excerpt(new_run: NewRun) -> None:
    run = new_run()
    Writer(Titles(), run).write([("a", "fine"), ("e\x00", "bad")])
    issue = run.issues.get()
    assert (issue.source_id, issue.index, issue.field, issue.error_code) == ("e", 1, "title", "bad")
    assert "it is bad" in issue.error_message
    assert "hunter2" not in issue.excerpt


@pytest.mark.parametrize("size", [1, 2, 3, 7, 8, 100])
def test_batch_boundaries_change_nothing(new_run: NewRun, size: int) -> None:
    seen: list[Counts] = []
    writer = Writer(Titles(), new_run(), batch_size=size, on_batch=seen.append)
    records = [(f"k{n}", "bad" if n % 4 == 3 else f"title {n}") for n in range(7)]
    assert writer.write(iter(records)) == Counts(created=6, failed=1)
    assert len(seen) == -(-7 // size)
    assert sum((counts.processed for counts in seen), 0) == 7
    assert len(titles()) == 6


def test_a_duplicate_in_a_later_batch_is_created_once_and_the_last_one_stays(new_run: NewRun) -> None:
    counts = Writer(Titles(), new_run(), batch_size=1).write([("a", "1"), ("a", "2"), ("a", "2")])
    assert counts == Counts(created=1, updated=1, unchanged=1)
    assert titles() == {"a": "2"}


def test_nothing_to_write_is_no_transaction(new_run: NewRun) -> None:
    with CaptureQueriesContext(connection) as queries:
        assert Writer(Titles(), new_run()).write([]) == Counts()
    assert writes(queries) == []


def test_unchanged_rows_are_not_written(new_run: NewRun) -> None:
    records = [(f"k{n}", f"title {n}") for n in range(10)]
    Writer(Titles(), new_run()).write(records)
    before = list(Circuit.objects.order_by("pk").values())
    with CaptureQueriesContext(connection) as queries:
        assert Writer(Titles(), new_run()).write(records) == Counts(unchanged=10)
    assert writes(queries) == []
    assert list(Circuit.objects.order_by("pk").values()) == before


def test_a_changed_row_keeps_what_the_stream_does_not_set(new_run: NewRun) -> None:
    Writer(Titles(), new_run()).write([("a", "one")])
    Circuit.objects.update(comments="keep me")
    created_at = Circuit.objects.get().created_at
    run = new_run()
    Writer(Titles(), run).write([("a", "two")])
    circuit = Circuit.objects.get()
    assert (circuit.title, circuit.comments, circuit.created_at) == ("two", "keep me", created_at)
    assert circuit.last_run_id == run.pk


def test_a_deleted_row_that_is_seen_again_is_restored(new_run: NewRun) -> None:
    Writer(Titles(), new_run()).write([("a", "one")])
    Circuit.objects.update(deleted_at=timezone.now())
    assert Writer(Titles(), new_run()).write([("a", "one")]) == Counts(updated=1)
    assert Circuit.objects.get().deleted_at is None


def test_what_the_database_refuses_is_found_by_halves(new_run: NewRun) -> None:
    refuse_title("poison")
    run = new_run()
    records = [(f"k{n}", "poison" if n in (0, 5, 6, 12) else f"title {n}") for n in range(13)]
    assert Writer(Titles(), run).write(records) == Counts(created=9, failed=4)
    assert "k5" not in titles()
    assert "k7" in titles()
    assert {issue.source_id for issue in run.issues.all()} == {"k0", "k5", "k6", "k12"}
    assert {issue.error_code for issue in run.issues.all()} == {"refused_by_database"}


def test_a_changed_row_that_the_database_refuses_stays_as_it_was(new_run: NewRun) -> None:
    refuse_title("poison")
    Writer(Titles(), new_run()).write([("a", "one"), ("b", "two")])
    assert Writer(Titles(), new_run()).write([("a", "poison"), ("b", "2")]) == Counts(updated=1, failed=1)
    assert titles() == {"a": "one", "b": "2"}


def test_a_run_that_lost_its_lease_writes_nothing(new_run: NewRun) -> None:
    run = new_run()
    SyncLog.objects.filter(pk=run.pk).update(owner_token="another")
    with pytest.raises(RunFenced):
        Writer(Titles(), run).write([("a", "one")])
    assert titles() == {}


def test_a_wish_to_cancel_is_heard_between_batches(new_run: NewRun) -> None:
    calls = iter([None, None, JobCancelled("stop")])

    def check() -> None:
        if error := next(calls):
            raise error

    run = new_run()
    with pytest.raises(JobCancelled):
        Writer(Titles(), run, batch_size=2, check=check).write([(f"k{n}", "x") for n in range(9)])
    run.refresh_from_db()
    assert run.counts == Counts(created=4)
    assert len(titles()) == 4


def test_preview_tells_what_write_would_do_and_writes_nothing(new_run: NewRun) -> None:
    Writer(Titles(), new_run()).write([("a", "one"), ("b", "two")])
    records = [("a", "one"), ("b", "TWO"), ("c", "new"), ("c", "newer"), ("d", "bad")]
    with CaptureQueriesContext(connection) as queries:
        [(plan, refused)] = Writer(Titles(), SyncLog()).preview(records)
    assert all(query["sql"].upper().startswith("SELECT") for query in queries.captured_queries)
    assert [record.key for record in plan.created] == ["c"]
    assert [(record.key, record.changed) for record in plan.updated] == [("b", ("title",))]
    assert [record.key for record in plan.unchanged] == ["a"]
    assert plan.skipped == 1
    assert [one.source_id for one in refused] == ["d"]
    assert titles() == {"a": "one", "b": "two"}


def test_a_new_mapping_version_changes_every_hash() -> None:
    class Newer(Titles):
        mapping_version = 2

    values = {"title": "one"}
    assert content_hash(Titles(), ("title",), values) != content_hash(Newer(), ("title",), values)
    assert content_hash(Titles(), ("title",), values) == content_hash(Titles(), ("title",), dict(values))


def test_queries_do_not_grow_with_the_records(new_run: NewRun) -> None:
    def count(records: int) -> int:
        rows = [(f"{records}-{n}", f"title {n}") for n in range(records)]
        run = new_run()
        with CaptureQueriesContext(connection) as queries:
            Writer(Titles(), run).write(rows)
        return len(queries)

    count(5)
    assert count(10) == count(1200)


@pytest.mark.parametrize("seed", range(4))
def test_counts_always_balance_and_tell_the_truth(new_run: NewRun, seed: int) -> None:
    rng = random.Random(seed)
    for _ in range(4):
        before = titles()
        records = [(f"k{rng.randrange(25)}", rng.choice(["x", "y", "z", "bad"])) for _ in range(40)]
        run = new_run()
        Writer(Titles(), run, batch_size=rng.randint(1, 45)).write(records)
        run.refresh_from_db()
        good = [(key, title) for key, title in records if title != "bad"]
        assert run.records_processed == len(records)
        assert run.records_failed == len(records) - len(good) == run.issues.count()
        assert run.records_created == len({key for key, _ in good} - before.keys())
        assert titles() == before | dict(good)


def refuse_title(title: str) -> None:
    """Make the database itself refuse this title."""
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            for event in ("INSERT", "UPDATE"):
                cursor.execute(
                    f"CREATE TRIGGER refuse_{event} BEFORE {event} ON circuits_circuit "
                    f"WHEN NEW.title = '{title}' BEGIN SELECT RAISE(ABORT, 'no such title'); END"
                )
        else:
            cursor.execute(
                f"ALTER TABLE circuits_circuit ADD CONSTRAINT no_poison CHECK (title <> '{title}')"
            )
