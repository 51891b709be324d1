"""`manage.py dev demo` with real processes."""

import json
import signal

import pytest

from tests.operations.dev.conftest import Dev

pytestmark = pytest.mark.slow

SYNC_KEYS = {"type", "status", "processed", "created", "updated", "unchanged", "skipped", "failed", "seconds"}
PLANTED_PROBLEMS = {"missing_key", "row_length", "too_long", "wrong_type", "bad_character"}


def test_demo_shows_a_load_an_idle_run_and_an_update_and_may_be_repeated(dev: Dev) -> None:
    result = dev.demo()

    circuits = [sync for sync in result["syncs"] if sync["provider"] == "workstudio"]
    first, second, third = (circuits[start : start + 2] for start in (0, 2, 4))
    assert all(sync.keys() >= SYNC_KEYS for sync in result["syncs"])
    assert [sync["of"] for sync in first] == ["ACTIV", "QC REWRK CLOSE"]
    assert sum(sync["created"] for sync in first) == 40
    assert sum(sync["created"] + sync["updated"] for sync in second) == 0
    assert sum(sync["updated"] for sync in third) == 1
    planted = {issue["code"] for issue in result["issues"] if issue["provider"] == "workstudio"}
    assert planted == PLANTED_PROBLEMS
    assert result["circuits"] == 40

    zuora = [sync for sync in result["syncs"] if sync["provider"] == "zuora"]
    steps = {(sync["step"], sync["of"]): sync for sync in zuora}
    assert len(steps) == 6
    assert [sync["created"] for sync in zuora] == [130, 130, 0, 0, 0, 0]
    assert [sync["updated"] for sync in zuora] == [0, 0, 0, 0, 2, 0]

    titan = [sync for sync in result["syncs"] if sync["provider"] == "servicetitan"]
    assert [sync["created"] for sync in titan] == [600, 600, 0, 0, 0, 0]
    assert [sync["updated"] for sync in titan] == [0, 0, 0, 0, 6, 6]
    assert titan[0]["failed"] == 6

    again = dev.demo()

    assert sum(sync["created"] for sync in again["syncs"]) == 0
    assert again["circuits"] == 40


def test_demo_stops_everything_on_a_signal(dev: Dev) -> None:
    running = dev.start("demo", "--json", "--circuits", "40")
    running.wait_for(lambda: "queued as job" in running.err)
    running.wait_for(lambda: len(running.look()) > 2)

    assert running.end(signal.SIGTERM) == 128 + signal.SIGTERM
    assert running.left_behind() == []
    assert json.loads(running.out)["errors"][0]["code"] == "stopped"


def test_demo_says_why_a_sync_did_not_end_and_shows_the_logs(dev: Dev) -> None:
    running = dev.start("demo", "--circuits", "40", "--deadline", "0.05")
    running.wait_for(lambda: "queued as job" in running.err)

    running.look()

    assert running.end() == 1
    assert "did not end within 0.05 s" in running.err
    assert "workers.log, the last lines" in running.err
    assert running.left_behind() == []
