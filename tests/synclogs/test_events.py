"""What receivers and live channels hear of runs: when, and what exactly."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import transaction

from accounts.models import Account
from synclogs import events, metrics
from synclogs.broadcast import BroadcastSyncStatus
from synclogs.counts import Counts
from synclogs.models import LiveEvent, SyncLog

SIGNALS = (events.sync_started, events.sync_completed, events.sync_failed)


@pytest.fixture
def heard() -> Iterator[list[Any]]:
    """The events that receivers get, in order."""
    found: list[Any] = []

    def listen(event: Any, **kwargs: Any) -> None:
        found.append(event)

    for signal in SIGNALS:
        signal.connect(listen)
    yield found
    for signal in SIGNALS:
        signal.disconnect(listen)


def start(**options: Any) -> SyncLog:
    options.setdefault("context", {"statuses": ["ACTIV", "QC"]})
    return SyncLog.start("circuit_list", "manual", account=Account.objects.platform(), **options)


@pytest.mark.django_db
def test_nobody_hears_before_the_commit(heard: list[Any], django_capture_on_commit_callbacks: Any) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        run = start()
        assert heard == []
    assert [type(event) for event in heard] == [events.SyncStarted]
    assert heard[0].as_dict() == {
        "sync_id": run.pk,
        "sync_type": "circuit_list",
        "sync_trigger": "manual",
        "api_status_filter": "ACTIV,QC",
        "started_at": run.started_at,
    }


@pytest.mark.django_db(transaction=True)
def test_what_is_rolled_back_was_never_said(heard: list[Any]) -> None:
    with transaction.atomic():
        start()
        transaction.set_rollback(True)
    assert heard == []
    assert not LiveEvent.objects.exists()


@pytest.mark.django_db
def test_the_one_status_that_was_asked_for_is_the_filter(
    heard: list[Any], django_capture_on_commit_callbacks: Any
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        start(context={}, api_status_filter="REWRK")
        start(context={})
    assert [event.api_status_filter for event in heard] == ["REWRK", ""]


@pytest.mark.django_db
def test_a_good_end_says_every_count(heard: list[Any], django_capture_on_commit_callbacks: Any) -> None:
    run = start()
    heard.clear()
    with django_capture_on_commit_callbacks(execute=True):
        run.add_batch(Counts(created=2, unchanged=1, failed=1, removed=3))
        run.complete_with_warning("1 record could not be taken.", code="records_lost")
    (event,) = heard
    said = event.as_dict()
    assert isinstance(event, events.SyncCompleted)
    assert said.pop("duration_seconds") >= 0
    assert said == {
        "sync_id": run.pk,
        "sync_type": "circuit_list",
        "sync_status": "completed_with_warning",
        "records_processed": 4,
        "records_created": 2,
        "records_updated": 0,
        "records_unchanged": 1,
        "records_skipped": 0,
        "records_failed": 1,
        "records_removed": 3,
        "circuits_processed": 4,
        "completed_at": run.completed_at,
        "message": "1 record could not be taken.",
    }


@pytest.mark.django_db
def test_a_bad_end_says_why(heard: list[Any], django_capture_on_commit_callbacks: Any) -> None:
    run = start()
    with django_capture_on_commit_callbacks(execute=True):
        run.fail("refused: password=hunter2hunter2", code="unauthorized")
    (event,) = heard
    assert isinstance(event, events.SyncFailed)
    assert (event.error_code, event.error_message) == ("unauthorized", "refused: password=[redacted]")


@pytest.mark.django_db
def test_a_cancelled_run_is_no_failure(heard: list[Any], django_capture_on_commit_callbacks: Any) -> None:
    run = start()
    with django_capture_on_commit_callbacks(execute=True):
        run.cancel()
    assert [(type(event), event.sync_status) for event in heard] == [(events.SyncCompleted, "cancelled")]


@pytest.mark.django_db
def test_a_receiver_that_fails_changes_nothing(
    heard: list[Any], django_capture_on_commit_callbacks: Any, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(event: Any, **kwargs: Any) -> None:
        raise ValueError("receiver is broken")

    events.sync_completed.connect(broken)
    try:
        with django_capture_on_commit_callbacks(execute=True):
            run = start()
            run.complete()
    finally:
        events.sync_completed.disconnect(broken)
    run.refresh_from_db()
    assert run.sync_status == "completed"
    assert len(heard) == 2
    assert "receiver is broken" in caplog.text


@pytest.mark.django_db
def test_the_ledger_logs_and_counts(
    django_capture_on_commit_callbacks: Any,
    caplog: pytest.LogCaptureFixture,
    settings: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(metrics, "_backends", {})
    settings.STATSD_BACKEND = "memory"
    caplog.set_level(logging.INFO, "syncplatform")
    with django_capture_on_commit_callbacks(execute=True):
        start().complete()
        start().fail("broken", code="error")
    lines = metrics.backend().lines  # type: ignore[attr-defined]
    assert [line for line in lines if ".duration" not in line] == [
        "sync.started:1|c|@1|#type:circuit_list,trigger:manual",
        "sync.ended:1|c|@1|#type:circuit_list,status:completed",
        "sync.started:1|c|@1|#type:circuit_list,trigger:manual",
        "sync.ended:1|c|@1|#type:circuit_list,status:failed",
    ]
    assert "ended: completed, 0 records" in caplog.text
    assert "failed: broken" in caplog.text


@pytest.mark.django_db
def test_each_end_is_on_both_channels_in_its_own_transaction() -> None:
    run = start()
    run.add_batch(Counts(created=1))
    run.complete()
    said = list(LiveEvent.objects.values_list("channel", "kind", "account_id"))
    account = Account.objects.platform().pk
    assert said == [
        (channel, kind, account)
        for kind in ("sync.started", "sync.progress", "sync.completed")
        for channel in ("dashboard", "sync-status")
    ]
    last = LiveEvent.objects.latest("pk").payload
    assert last["run"] == str(run.pk)
    assert (last["status"], last["processed"]) == ("completed", 1)


@pytest.mark.django_db
def test_progress_is_said_once_a_second_a_run(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [0.2]
    monkeypatch.setattr("synclogs.broadcast.time.monotonic", lambda: clock[0])
    one, other = start(), start()
    broadcast = BroadcastSyncStatus()
    LiveEvent.objects.all().delete()
    for moment in (0.2, 0.9, 1.1, 1.3):
        clock[0] = moment
        broadcast.progress(one)
    broadcast.progress(other)
    said = LiveEvent.objects.filter(channel="dashboard").values_list("payload__run", flat=True)
    assert list(said) == [str(one.pk), str(one.pk), str(other.pk)]


@pytest.mark.django_db
def test_payloads_are_redacted_and_plain() -> None:
    run = start()
    payload = {
        "note": "token=abcdef123456",
        "password": "hunter2hunter2",
        "at": run.started_at,
        "run": run.pk,
    }
    LiveEvent.objects.publish(["dashboard"], "x", payload)
    said = LiveEvent.objects.latest("pk").payload
    assert said["note"] == "token=[redacted]"
    assert said["password"] == "[redacted]"
    assert said["run"] == str(run.pk)
    assert said["at"].startswith(f"{run.started_at:%Y-%m-%d}")
