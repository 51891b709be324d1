"""How often staged jobs are tried, when, and what a timeout does to a chunk."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from typing import Any

import pytest
from django.core.management import call_command
from django.db import OperationalError

from integrations.http.errors import ServerError
from integrations.jobs.qcluster import TimeoutException
from integrations.jobs.runner import run_job
from integrations.jobs.staged.events import BaseEventJob
from integrations.jobs.staged.fetch import BaseFetchJob
from integrations.jobs.staged.initialization import BaseInitializationJob
from integrations.jobs.staged.processing import BaseProcessingJob
from integrations.jobs.staged.webhook_hook import BaseWebhookHookJob
from integrations.models import Event, Integration, RawPayload
from synclogs.models import AttemptOutcome, Job, JobStatus, SyncLog, SyncStatus
from tests.diary.jobs import DiaryEntryData, DiaryEntryPull, DiaryHook, during
from tests.diary.sandbox import DiarySandbox, entry
from tests.integrations.jobs.conftest import Clock
from tests.integrations.jobs.staged.conftest import run, run_waiting

pytestmark = pytest.mark.django_db


def test_the_limits_of_each_base() -> None:
    limits = {
        cls: (cls.timeout, cls.backoff, cls.max_retries, cls.queue)
        for cls in (BaseFetchJob, BaseProcessingJob, BaseEventJob, BaseWebhookHookJob, BaseInitializationJob)
    }
    assert limits == {
        BaseFetchJob: (120, (60, 300, 600), 3, "fetch"),
        BaseProcessingJob: (300, (120, 300), 2, "process"),
        BaseEventJob: (300, (120, 300), 2, "process"),
        BaseWebhookHookJob: (60, (30, 120, 300), 3, "webhook"),
        BaseInitializationJob: (600, (), 0, "init"),
    }
    assert all(len(backoff) == retries for _, backoff, retries, _ in limits.values())


def starts(job: Job, clock: Clock) -> list[float]:
    """Run a job each second in which it is due until it has ended; the seconds of its starts."""
    began: datetime = clock.now
    for _ in range(10):
        run(job)
        job.refresh_from_db()
        if not job.is_open:
            break
        clock.advance(max(0.0, (job.run_at - clock.now).total_seconds()) - 1)
        assert run(job) == "not claimed"
        clock.advance(1)
    return [round((at - began).total_seconds()) for at in job.tries.values_list("started_at", flat=True)]


def fail(*args: object) -> None:
    """The vendor fails."""
    raise ServerError(status=503)


def test_a_fetch_is_tried_four_times(diary: Integration, clock: Clock) -> None:
    during["page"] = fail
    job = DiaryEntryPull.dispatch(diary)
    assert starts(job, clock) == [0, 60, 360, 960]
    assert (job.status, job.attempts) == (JobStatus.FAILED, 4)
    assert SyncLog.objects.get().sync_status == SyncStatus.FAILED


def test_a_chunk_is_tried_three_times(diary: Integration, vendor: DiarySandbox, clock: Clock) -> None:
    def deadlock(work: object) -> None:
        raise OperationalError("deadlock detected")

    during["process"] = deadlock
    vendor.seed(entries=2)
    run(DiaryEntryPull.dispatch(diary))
    job = Job.objects.get(name=DiaryEntryData.name)
    assert starts(job, clock) == [0, 120, 420]
    assert (job.status, job.attempts) == (JobStatus.FAILED, 3)


def test_a_delivery_is_tried_four_times(
    diary: Integration, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(DiaryHook, "validate_webhook", fail)
    job = DiaryHook.dispatch({"entries": []}, {}, diary)
    assert starts(job, clock) == [0, 30, 150, 450]
    assert job.status == JobStatus.FAILED


@pytest.mark.usefixtures("committed")
def test_a_timeout_is_recorded_and_retried(
    diary: Integration, vendor: DiarySandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    def hang(number: int) -> None:
        while True:
            pass

    monkeypatch.setattr(DiaryEntryPull, "timeout", 1)
    during["page"] = hang
    job = DiaryEntryPull.dispatch(diary)
    with pytest.raises(TimeoutException):
        run_job(str(job.pk))
    job.refresh_from_db()
    assert (job.status, job.error_code) == (JobStatus.RETRY_WAIT, "timeout")
    attempt = job.tries.get()
    assert (attempt.outcome, attempt.error_code) == (AttemptOutcome.FAILED, "timeout")


@pytest.mark.usefixtures("committed")
def test_a_chunk_that_takes_too_long_is_halved_down_to_one_item(
    diary: Integration, vendor: DiarySandbox, clock: Clock
) -> None:
    vendor.seed(entries=5)

    def too_long_for_many(work: DiaryEntryData) -> None:
        if work.payload.item_count > 1:
            raise TimeoutException

    during["process"] = too_long_for_many
    run(DiaryEntryPull.dispatch(diary))
    for _ in range(8):
        for job in Job.objects.filter(name=DiaryEntryData.name, status__in=("queued", "retry_wait")):
            try_running(job)
        clock.advance(120)
    sizes = list(RawPayload.objects.order_by("-item_count").values_list("item_count", flat=True))
    assert sizes == [5, 3, 2, 2, 1, 1, 1, 1, 1]
    assert not RawPayload.objects.filter(processed_at=None).exists()
    log = SyncLog.objects.get()
    assert (log.sync_status, log.records_created, log.records_processed) == (SyncStatus.COMPLETED, 5, 5)
    assert (log.jobs_total, log.jobs_ok) == (9, 9)
    assert Event.objects.count() == 5


def try_running(job: Job) -> None:
    """As a worker does, which a timeout ends."""
    with suppress(TimeoutException):
        run(job)


def test_two_workers_with_the_same_chunk(diary: Integration, vendor: DiarySandbox) -> None:
    vendor.seed(entries=2)
    run(DiaryEntryPull.dispatch(diary))
    job = Job.objects.get(name=DiaryEntryData.name)
    seen: list[str] = []
    during["process"] = lambda work: seen.append(run(job))
    assert run(job) == "succeed"
    assert run(job) == "not claimed"
    assert seen == ["not claimed"]
    assert SyncLog.objects.get().records_created == 2


def test_a_worker_that_dies_after_its_chunk_was_written(
    diary: Integration, vendor: DiarySandbox, claim_of: Callable[[Job], Any]
) -> None:
    vendor.seed(entries=2)
    run(DiaryEntryPull.dispatch(diary))
    job = Job.objects.get(name=DiaryEntryData.name)
    held = claim_of(job)
    DiaryEntryData(held, object()).handle()  # type: ignore[arg-type]
    Job.objects.filter(pk=job.pk).update(lease_until="2020-01-01T00:00:00Z")
    assert run(job) == "succeed"
    job.refresh_from_db()
    assert (job.result, job.attempts) == ("done before", 0)
    log = SyncLog.objects.get()
    assert (log.sync_status, log.records_created, log.jobs_ok) == (SyncStatus.COMPLETED, 2, 1)


def test_failed_chunks_are_listed_and_retried_by_the_queue_command(
    diary: Integration, vendor: DiarySandbox, capsys: pytest.CaptureFixture[str]
) -> None:
    def break_down(work: object) -> None:
        raise KeyError("a defect")

    during["process"] = break_down
    vendor.seed(entries=2)
    run(DiaryEntryPull.dispatch(diary))
    assert run_waiting() == ["fail"]
    assert SyncLog.objects.get().sync_status == SyncStatus.FAILED
    call_command("queue", "failed")
    assert "diary.entry_data" in capsys.readouterr().out
    call_command("queue", "clear", "--dry-run")
    assert "1 job would be deleted" in capsys.readouterr().out
    during.clear()
    call_command("queue", "retry", "--all")
    assert run_waiting() == ["succeed"]
    assert Event.objects.count() == 2
    again = SyncLog.objects.latest("started_at")
    assert (again.sync_status, again.sync_trigger, again.records_created) == ("completed", "retry", 2)


def test_a_cancelled_fetch_cancels_what_waits(diary: Integration, vendor: DiarySandbox) -> None:
    from integrations.jobs.operations import cancel_job

    vendor.seed(entries=80)
    job = DiaryEntryPull.dispatch(diary)

    def cancel_at_the_second(number: int) -> None:
        if number == 1:
            Job.objects.filter(pk=job.pk).update(status=JobStatus.QUEUED, lease_token="")
            cancel_job(Job.objects.get(pk=job.pk))

    during["page"] = cancel_at_the_second
    run(job)
    assert SyncLog.objects.get().sync_status == SyncStatus.CANCELLED
    assert run_waiting() == ["cancel"]
    assert not Event.objects.exists()
    assert RawPayload.objects.get().processed_at is None


def test_nothing_secret_is_logged(
    diary: Integration, vendor: DiarySandbox, caplog: pytest.LogCaptureFixture, fault: Callable[..., None]
) -> None:
    from tests.diary.sandbox import TOKEN

    caplog.set_level("DEBUG")
    vendor.hold(entry(1, mood="unreadable", password="hunter2-hunter2"), entry(2))
    fault("status", status=500, body={"error": f"the token {TOKEN} is not known", "api_key": "planted-key-1"})
    job = DiaryEntryPull.dispatch(diary)
    run(job)
    Job.objects.update(run_at="2020-01-01T00:00:00Z")
    run_waiting()
    run_waiting()
    assert Event.objects.count() == 1
    written = caplog.text + str(list(SyncLog.objects.values())) + str(list(Job.objects.values()))
    written += str([list(each.issues.values()) for each in SyncLog.objects.all()])
    for secret in (TOKEN, "hunter2-hunter2", "planted-key-1"):
        assert secret not in written
