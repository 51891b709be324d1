"""A part of a run that a killed process began: repeated, its counts are those of an undisturbed run."""

from __future__ import annotations

import pytest

from integrations.sync.parts import Parts
from integrations.sync.writer import Writer
from synclogs.counts import Counts
from synclogs.models import SyncLog
from tests.integrations.sync.conftest import NewRun, Titles, titles


class Killed(BaseException):
    """The process dies here."""


def write_part(run: SyncLog, name: str, records: list[tuple[str, str]], *, die_after: int = -1) -> None:
    """Write a part in batches of two; die once so many batches are committed."""
    parts = Parts(run)
    part = parts.begin(name, Titles.name)
    done = 0

    def on_batch(counts: Counts) -> None:
        nonlocal done
        done += 1
        if done == die_after:
            raise Killed

    Writer(Titles(), run, part, batch_size=2, on_batch=on_batch).write(records)
    parts.end(part, {})


RECORDS = [
    ("old", "changed"),
    ("same", "same"),
    ("new", "first"),
    ("bad", "bad"),
    ("new", "second"),
    ("twice", "x"),
    ("earlier", "again"),
    ("twice", "x"),
    ("old", "changed once more"),
]


def prepared(new_run: NewRun) -> SyncLog:
    """A run whose first part is done: `earlier` is new in it, `old` and `same` were there before."""
    Writer(Titles(), new_run()).write([("old", "old"), ("same", "same")])
    run = new_run()
    write_part(run, "A", [("earlier", "earlier"), ("same", "same")])
    return run


@pytest.mark.parametrize("die_after", [1, 2, 3, 4, 5])
@pytest.mark.parametrize("deaths", [1, 2])
def test_counts_are_exact_wherever_it_was_killed(new_run: NewRun, die_after: int, deaths: int) -> None:
    run = prepared(new_run)
    for _ in range(deaths):
        with pytest.raises(Killed):
            write_part(run, "B", RECORDS, die_after=die_after)
        run = SyncLog.objects.get(pk=run.pk)
    write_part(run, "B", RECORDS)
    run.refresh_from_db()
    first_part = Counts(created=1, unchanged=1)
    second_part = Counts(created=2, updated=4, unchanged=2, failed=1)
    assert run.counts == first_part + second_part
    assert run.issues.count() == 1
    assert run.checkpoint["done"] == ["A", "B"]
    assert titles() == {
        "old": "changed once more",
        "same": "same",
        "new": "second",
        "twice": "x",
        "earlier": "again",
    }


def test_an_undisturbed_run_counts_the_same(new_run: NewRun) -> None:
    run = prepared(new_run)
    write_part(run, "B", RECORDS)
    assert run.counts == Counts(created=3, updated=4, unchanged=3, failed=1)


def test_what_the_vendor_changed_meanwhile_counts_once(new_run: NewRun) -> None:
    run = prepared(new_run)
    with pytest.raises(Killed):
        write_part(run, "B", [("n1", "a"), ("old", "b")], die_after=1)
    run = SyncLog.objects.get(pk=run.pk)
    write_part(run, "B", [("n1", "A"), ("old", "B")])
    assert run.counts == Counts(created=1, unchanged=1) + Counts(created=1, updated=1)
    assert titles()["n1"] == "A"


def test_a_finished_part_is_known_and_its_memo_kept(new_run: NewRun) -> None:
    run = new_run()
    parts = Parts(run)
    assert (parts.done, parts.memo) == ([], {})
    parts.end(parts.begin("A", "titles"), {"seen": 3})
    reread = Parts(SyncLog.objects.get(pk=run.pk))
    assert (reread.done, reread.memo) == (["A"], {"seen": 3})
    assert not reread.begin("B", "titles").repeated
    assert Parts(SyncLog.objects.get(pk=run.pk)).memo == {"seen": 3}
