"""What starts by the clock."""

from __future__ import annotations

import pytest
from pytest_django import Settings

from integrations.jobs.runner import run_job
from integrations.providers.servicetitan.schedules import SCHEDULES, ProcessScheduledSyncsJob, SyncStatusJob
from integrations.schedules.declared import declared_schedules
from synclogs.models import Job, JobStatus, SyncLog, SyncTrigger
from tests.integrations.providers.servicetitan.conftest import MakeCredential, Titan
from tests.integrations.providers.servicetitan.syncing import make_run

pytestmark = pytest.mark.django_db


def test_the_times_are_those_of_the_older_system() -> None:
    assert {schedule.name: schedule.cron for schedule in SCHEDULES} == {
        "servicetitan-sync": "0 * * * *",
        "servicetitan-retry": "0 6,18 * * *",
        "servicetitan-status": "0 8 * * *",
    }
    assert {schedule.name for schedule in SCHEDULES} <= declared_schedules().keys()


def test_the_hourly_job_queues_a_sync_of_each_production_credential(
    titan: Titan, make_credential: MakeCredential
) -> None:
    titan.seed(customers=3, invoices=2)
    make_credential(1)
    for number in (1, 2):
        make_credential(number, environment="production")
    job = ProcessScheduledSyncsJob.start()
    assert run_job(str(job.pk)) == "succeed"
    job.refresh_from_db()
    assert job.result == "queued 2"
    for queued in Job.objects.filter(name="servicetitan.sync"):
        assert run_job(str(queued.pk)) == "succeed"
    runs = SyncLog.objects.all()
    assert {(run.sync_trigger, run.records_created) for run in runs} == {(SyncTrigger.SCHEDULED, 5)}


def test_the_retry_job_queues_what_failed_within_twelve_hours(
    titan: Titan, make_credential: MakeCredential
) -> None:
    titan.seed(customers=3, invoices=2)
    failed = make_run(make_credential(), "invoices", failed=True)
    start = {schedule.name: schedule.start for schedule in SCHEDULES}["servicetitan-retry"]
    job = start()
    assert job is not None
    run_job(str(job.pk))
    (queued,) = Job.objects.filter(name="servicetitan.sync", status=JobStatus.QUEUED)
    run_job(str(queued.pk))
    run = SyncLog.objects.latest("started_at")
    assert (run.retry_of, run.sync_type, run.records_created) == (failed, "invoices", 2)


def test_the_status_job_tells_those_who_are_told_of_commands(
    make_credential: MakeCredential, settings: Settings, mailoutbox: list[object]
) -> None:
    settings.COMMAND_NOTIFY_EMAILS = ["ops@example.com"]
    make_run(make_credential(), failed=True)
    run_job(str(SyncStatusJob.start().pk))
    (mail,) = mailoutbox
    assert "1 failed" in mail.body  # type: ignore[attr-defined]
