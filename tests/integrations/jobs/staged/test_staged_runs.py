"""From a poll to rows: chunks, their jobs, the run's counts and end."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from integrations.jobs.staged import replay
from integrations.models import Block, Event, EventObject, Integration, RawPayload, SyncCursor
from synclogs.models import Job, JobStatus, SyncLog, SyncPhase, SyncStatus, SyncTrigger
from tests.diary.jobs import DiaryEntryData, DiaryEntryPull, during
from tests.diary.sandbox import DiarySandbox, entry
from tests.integrations.jobs.staged.conftest import fetched, run, run_waiting

pytestmark = pytest.mark.django_db


def test_a_poll_becomes_events_objects_and_blocks(diary: Integration, vendor: DiarySandbox) -> None:
    vendor.seed(entries=120)
    log = fetched(diary)
    assert (log.sync_status, log.records_created, log.records_processed) == (SyncStatus.COMPLETED, 120, 120)
    assert (log.jobs_total, log.jobs_ok, log.jobs_failed, log.phase) == (3, 3, 0, "")
    assert Event.objects.count() == 120
    assert EventObject.objects.count() == 6
    assert Block.objects.count() == 240
    event = Event.objects.select_related("actor", "target").get(source_id="diary_7")
    assert (event.value, event.value_multiplier, event.value_unit) == (7, 1, "points")
    assert (event.actor.title, event.target.external_id) == ("Diary", "place-2")
    assert set(event.blocks.values_list("title", flat=True)) == {"one", "two"}
    assert SyncCursor.objects.get().state == {"after": 120}
    diary.refresh_from_db()
    assert diary.last_successful_update_at is not None
    assert diary.last_processed_at is not None
    assert not RawPayload.objects.filter(processed_at=None).exists()


def test_fetching_ends_before_processing_and_lets_the_next_run_start(
    diary: Integration, vendor: DiarySandbox
) -> None:
    vendor.seed(entries=10)
    run(DiaryEntryPull.dispatch(diary))
    log = SyncLog.objects.get()
    assert (log.sync_status, log.phase, log.lock_key) == (SyncStatus.STARTED, SyncPhase.PROCESSING, None)
    assert log.jobs_total == 1
    assert run(DiaryEntryPull.dispatch(diary)) == "succeed"
    run_waiting()
    assert set(SyncLog.objects.values_list("sync_status", flat=True)) == {SyncStatus.COMPLETED}


def test_a_poll_that_brings_nothing_is_complete(diary: Integration, vendor: DiarySandbox) -> None:
    log = fetched(diary)
    assert (log.sync_status, log.jobs_total, log.records_processed) == (SyncStatus.COMPLETED, 0, 0)


def test_the_same_again_changes_no_row(diary: Integration, vendor: DiarySandbox) -> None:
    vendor.seed(entries=30)
    fetched(diary)
    before = {model: list(model.objects.order_by("pk").values()) for model in (Event, EventObject, Block)}
    log = fetched(diary, since="2020-01-01T00:00:00Z", trigger="manual")
    assert (log.records_unchanged, log.records_processed) == (30, 30)
    for model, rows in before.items():
        assert list(model.objects.order_by("pk").values()) == rows


def test_the_same_content_within_the_hour_is_skipped(diary: Integration, vendor: DiarySandbox) -> None:
    vendor.seed(entries=30)
    fetched(diary, trigger="scheduled")
    SyncCursor.objects.all().delete()
    log = fetched(diary, trigger="scheduled")
    assert (log.records_skipped, log.records_processed, log.sync_status) == (30, 30, SyncStatus.COMPLETED)
    assert Job.objects.filter(name=DiaryEntryData.name, result="skipped").count() == 1


def test_a_return_to_an_earlier_state_within_the_hour_is_not_skipped(
    diary: Integration, vendor: DiarySandbox
) -> None:
    for score in (1, 2, 1):
        vendor.hold(entry(1, score=score))
        SyncCursor.objects.all().delete()
        fetched(diary, trigger="scheduled")
        assert Event.objects.get().value == score
    metadata = Event.objects.get().event_metadata
    assert (metadata["previous_value"], metadata["previous_multiplier"]) == (2, 1)
    changed_at = datetime.fromisoformat(metadata["value_changed_at"])
    assert abs(changed_at - timezone.now()) < timedelta(minutes=1)


def test_a_bad_item_is_an_issue_and_the_rest_is_taken(diary: Integration, vendor: DiarySandbox) -> None:
    vendor.hold(*(entry(n) for n in range(1, 50)), entry(50, mood="unreadable"))
    log = fetched(diary)
    assert (log.sync_status, log.error_code) == (SyncStatus.WARNING, "records_lost")
    assert (log.records_created, log.records_failed, log.records_processed) == (49, 1, 50)
    issue = log.issues.get()
    assert (issue.source_id, issue.error_code, issue.index) == ("50", "bad_mood", 49)
    assert "unreadable" in issue.excerpt


@pytest.mark.parametrize(
    "bad",
    [
        {"place": None},
        {"place": {"id": "x", "name": "NUL \x00"}},
        {"mood": "NUL \x00"},
        {"at": "yesterday"},
        {"at": "2026-03-01T08:00:00"},
        {"score": 2**70},
        {"place": {"id": "x" * 201, "name": "far"}},
    ],
)
def test_whatever_is_wrong_with_an_item_stays_its_own(
    diary: Integration, vendor: DiarySandbox, bad: dict[str, object]
) -> None:
    vendor.hold(entry(1), entry(2, **bad), entry(3))
    job = DiaryEntryPull.dispatch(diary)
    run(job)
    run_waiting()
    log = SyncLog.objects.get(job=job)
    assert (log.records_created, log.records_failed) == (2, 1), log.issues.values()
    assert log.sync_status == SyncStatus.WARNING


def test_a_chunk_without_one_good_item_fails_and_is_tried_again(
    diary: Integration, vendor: DiarySandbox
) -> None:
    vendor.hold(entry(1, mood="unreadable"), entry(2, mood="unreadable"))
    run(DiaryEntryPull.dispatch(diary))
    assert run_waiting() == ["retry"]
    assert run(Job.objects.get(name=DiaryEntryData.name)) == "not claimed"
    for expected in ("retry", "fail"):
        Job.objects.filter(status=JobStatus.RETRY_WAIT).update(run_at=timezone.now())
        assert run_waiting() == [expected]
    log = SyncLog.objects.get()
    assert (log.sync_status, log.records_failed, log.jobs_failed) == (SyncStatus.FAILED, 2, 1)
    assert log.issues.count() == 2
    assert RawPayload.objects.get().processed_at is None
    diary.refresh_from_db()
    assert diary.error_count == 0


def test_a_failed_chunk_is_replayed_in_a_run_of_its_own(diary: Integration, vendor: DiarySandbox) -> None:
    vendor.hold(entry(1, mood="unreadable"))
    run(DiaryEntryPull.dispatch(diary))
    Job.objects.filter(name=DiaryEntryData.name).update(attempts=2)
    assert run_waiting() == ["fail"]
    payload = RawPayload.objects.get()
    payload.body = payload.body.replace("unreadable", "fine")
    payload.save()
    [job] = replay.replay([payload], SyncTrigger.MANUAL)
    assert run(job) == "succeed"
    assert Event.objects.count() == 1
    log = SyncLog.objects.latest("started_at")
    assert (log.sync_status, log.records_created, log.jobs_ok) == (SyncStatus.COMPLETED, 1, 1)


def test_older_news_does_not_replace_newer(diary: Integration, vendor: DiarySandbox) -> None:
    vendor.hold(entry(1, score=1))
    fetched(diary)
    vendor.hold(entry(1, score=2))
    SyncCursor.objects.all().delete()
    fetched(diary)
    old = RawPayload.objects.earliest("received_at")
    [job] = replay.replay([old], SyncTrigger.MANUAL)
    run(job)
    assert Event.objects.get().value == 2
    assert SyncLog.objects.latest("started_at").records_skipped == 1


def test_a_withdrawn_event_is_marked_and_returns(diary: Integration, vendor: DiarySandbox) -> None:
    for deleted in (False, True, False):
        vendor.hold(entry(1, deleted=deleted))
        SyncCursor.objects.all().delete()
        fetched(diary)
        assert (Event.objects.get().deleted_at is not None) == deleted


def test_blocks_that_are_not_named_any_more_are_marked_and_return(
    diary: Integration, vendor: DiarySandbox
) -> None:
    for tags in (["one", "two"], ["two", "three"], ["one"]):
        vendor.hold(entry(1, tags=tags))
        SyncCursor.objects.all().delete()
        fetched(diary)
        assert list(Block.objects.filter(deleted_at=None).values_list("title", flat=True)) == sorted(tags)
    assert Block.objects.count() == 3


def test_a_failed_fetch_does_not_stop_what_is_stored(
    diary: Integration, vendor: DiarySandbox, fault: Callable[..., None]
) -> None:
    vendor.seed(entries=80)

    def fail_at_the_second(number: int) -> None:
        if number == 1:
            fault("status", status=403)

    during["page"] = fail_at_the_second
    job = DiaryEntryPull.dispatch(diary)
    assert run(job) == "fail"
    assert run_waiting() == ["succeed"]
    log = SyncLog.objects.get()
    assert (log.sync_status, log.error_code, log.records_created) == (SyncStatus.WARNING, "forbidden", 50)
    diary.refresh_from_db()
    assert (diary.error_count, diary.last_error_code) == (1, "forbidden")
    assert diary.next_attempt_at is not None
    assert diary.next_attempt_at > timezone.now() + timedelta(minutes=14)


def test_a_fetch_that_brought_nothing_before_it_failed_is_a_failed_run(
    diary: Integration, vendor: DiarySandbox, fault: Callable[..., None]
) -> None:
    fault("status", status=401)
    assert run(DiaryEntryPull.dispatch(diary)) == "fail"
    log = SyncLog.objects.get()
    assert (log.sync_status, log.error_code) == (SyncStatus.FAILED, "unauthorized")
    assert diary.credential is not None
    diary.credential.refresh_from_db()
    assert (diary.credential.status, diary.credential.status_reason) == ("needs_attention", "reauth")


def test_statements_do_not_grow_with_the_items(diary: Integration, vendor: DiarySandbox) -> None:
    def statements(items: int, start: int) -> dict[str, int]:
        vendor.hold(*(entry(start + n) for n in range(items)))
        fetch = DiaryEntryPull.dispatch(diary)
        with CaptureQueriesContext(connection) as fetching:
            run(fetch)
        process = Job.objects.get(name=DiaryEntryData.name, status=JobStatus.QUEUED)
        with CaptureQueriesContext(connection) as processing:
            run(process)
        return {"fetch": len(fetching), "process": len(processing)}

    statements(1, 1)
    assert statements(2, 100) == statements(49, 200)
