"""Counting rows that were really written; no timing is tested."""

import sqlite3
from contextlib import closing
from pathlib import Path

from benchmarks.circuits import Measurement
from benchmarks.report import summarize, text
from benchmarks.stores import sqlite_store

MACHINE = {"python": "3.13.0", "django": "5.2", "sqlite": "3.45", "system": "Linux x86_64", "cpus": 2}


def measurement(run: str, repetition: int, seconds: float) -> Measurement:
    counts = {"processed": 105, "created": 0, "updated": 0, "unchanged": 100, "failed": 5}
    usage = {"records_per_second": 50, "peak_mb": 90.0, "before_mb": 60.0, "queries": 12, "cpu_seconds": 0.5}
    return Measurement(
        "sqlite", "SQLite 3.45", run, repetition, 0, 8, {**counts, **usage, "seconds": seconds}
    )


def test_only_rows_that_are_really_written_count(tmp_path: Path) -> None:
    with sqlite_store(tmp_path) as store:
        path = store.url.removeprefix("sqlite:///")
        with closing(sqlite3.connect(path)) as connection:
            connection.execute("CREATE TABLE a (id INTEGER PRIMARY KEY, n INTEGER)")
            connection.execute("CREATE TABLE b (id INTEGER PRIMARY KEY)")
        store.start_counting(["a", "b"])
        with closing(sqlite3.connect(path)) as connection:
            connection.execute("INSERT INTO a VALUES (1, 1), (2, 1)")
            connection.execute("INSERT INTO a VALUES (1, 5) ON CONFLICT (id) DO UPDATE SET n = excluded.n")
            connection.execute("INSERT INTO a VALUES (1, 9) ON CONFLICT (id) DO NOTHING")
            connection.execute("UPDATE a SET n = 2 WHERE id = 99")
            connection.execute("DELETE FROM a WHERE id = 2")
            connection.commit()
        assert store.writes() == {"a": 4, "b": 0}
    assert list(tmp_path.iterdir()) == []


def test_the_summary_holds_medians_in_the_order_of_the_runs() -> None:
    measured = [measurement("unchanged", 1, 2.0), measurement("first load", 1, 9.0)]
    measured += [measurement("unchanged", 2, 4.0), measurement("unchanged", 3, 90.0)]

    entries = summarize(measured)

    assert [(entry["run"], entry["seconds"]) for entry in entries] == [
        ("first load", 9.0),
        ("unchanged", 4.0),
    ]
    assert "SQLite 3.45" in text(entries, MACHINE, 3)
