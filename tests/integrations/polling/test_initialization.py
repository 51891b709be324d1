"""The history of a new connection: read once, resumed after a crash, again when somebody wants it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import transaction
from django.utils import timezone

from integrations.jobs.outcomes import Postpone
from integrations.models import Event, Integration, SyncCursor
from integrations.polling.connecting import queue_initialization
from synclogs.models import Job, JobStatus, SyncLog, SyncStatus
from tests.diary import provider
from tests.diary.jobs import DiaryHistoricalData, during
from tests.diary.sandbox import DiarySandbox, entry
from tests.integrations.jobs.staged.conftest import run, run_waiting

pytestmark = pytest.mark.django_db


@pytest.fixture
def pages(diary: Integration, vendor: DiarySandbox) -> Integration:
    """A connection with a history of 120 entries."""
    vendor.history = {number: entry(number) for number in range(1, 121)}
    provider.migrated.clear()
    return Integration.objects.create(
        account=diary.account,
        user=diary.user,
        credential=diary.credential,
        provider="diary",
        instance_type="pages",
        name="Pages",
        configuration=diary.configuration,
    )


def test_a_new_connection_queues_its_history_exactly_once(pages: Integration) -> None:
    job = Job.objects.get()
    assert (job.name, job.queue) == (DiaryHistoricalData.name, "init")
    pages.refresh_from_db()
    assert pages.init_status == "pending"
    pages.save()
    assert queue_initialization(pages) is None
    assert Job.objects.count() == 1


def test_a_connection_that_is_not_committed_has_no_job(diary: Integration) -> None:
    with transaction.atomic():
        Integration.objects.create(
            account=diary.account, user=diary.user, credential=diary.credential, provider="diary",
            instance_type="pages", name="Pages",
        )  # fmt: skip
        transaction.set_rollback(True)
    assert not Job.objects.exists()


def test_the_history_is_read_and_the_data_migrated_once(pages: Integration) -> None:
    assert run(Job.objects.get()) == "succeed"
    assert set(run_waiting()) == {"succeed"}
    pages.refresh_from_db()
    assert pages.init_status == "done"
    assert pages.initialized_at is not None
    assert Event.objects.filter(integration=pages).count() == 120
    assert SyncLog.objects.get().sync_trigger == "init"
    assert provider.migrated == [("0001_first", pages.pk), ("0002_second", pages.pk)]
    again = queue_initialization(pages, by_hand=True, force=True)
    assert again is not None
    run(again)
    run_waiting()
    assert Event.objects.filter(integration=pages).count() == 120
    assert len(provider.migrated) == 2


def test_it_goes_on_where_it_was_postponed(pages: Integration) -> None:
    asked: list[int] = []

    def wait_at_the_second(number: int) -> None:
        asked.append(number)
        if asked == [0, 1]:
            raise Postpone(timezone.now() + timedelta(seconds=30), "the vendor says wait")

    during["page"] = wait_at_the_second
    job = Job.objects.get()
    assert run(job) == "postpone"
    assert SyncCursor.objects.get(stream="history").state == {"before": 71}
    pages.refresh_from_db()
    assert pages.initialized_at is None
    Job.objects.filter(pk=job.pk).update(run_at=timezone.now())
    assert run(job) == "succeed"
    assert asked == [0, 1, 0, 1]
    run_waiting()
    assert SyncLog.objects.get().records_created == 120


def test_a_failed_one_says_so_and_is_started_again_by_hand(pages: Integration) -> None:
    def fail(number: int) -> None:
        raise KeyError("no such field")

    during["page"] = fail
    job = Job.objects.get()
    assert run(job) == "fail"
    pages.refresh_from_db()
    assert (pages.init_status, pages.initialized_at) == ("failed", None)
    assert SyncLog.objects.get().sync_status == SyncStatus.FAILED
    during.clear()
    again = queue_initialization(pages, by_hand=True)
    assert again is not None
    assert run(again) == "succeed"


def test_resuming_reads_only_what_is_missing(pages: Integration) -> None:
    run(Job.objects.get())
    run_waiting()
    SyncCursor.objects.filter(stream="history").update(state={"before": 11})
    job = queue_initialization(pages, by_hand=True, force=True, resume=True)
    assert job is not None
    run(job)
    run_waiting()
    assert SyncLog.objects.get(job=job).records_processed == 10
    assert Job.objects.filter(status=JobStatus.FAILED).count() == 0
