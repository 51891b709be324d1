"""Trouble that no error reports: a queue that does not move, jobs that hang."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from accounts.models import Account
from integrations.alerts.check_job import CheckQueueJob
from integrations.alerts.checks import Thresholds, check_queue, queue_health
from integrations.housekeeping import SCHEDULES
from integrations.jobs.registry import job_class
from synclogs.models import Alert, AlertState, Job, JobStatus
from tests.factories import IntegrationFactory, JobFactory

pytestmark = pytest.mark.django_db


def ago(**delta: float) -> Any:
    return timezone.now() - timedelta(**delta)


def make(count: int, **options: Any) -> None:
    """So many jobs of the platform, in one statement."""
    Job.objects.bulk_create(JobFactory.build_batch(count, account=Account.objects.platform(), **options))


def codes() -> list[str]:
    """The codes of the rules that are broken now."""
    check_queue()
    return sorted(Alert.objects.filter(state=AlertState.OPEN).values_list("error_code", flat=True))


def test_a_calm_queue_is_no_trouble() -> None:
    make(3, succeeded=True)
    make(49)
    make(1, run_at=ago(seconds=290))
    assert codes() == []


@pytest.mark.parametrize(("count", "broken"), [(50, []), (51, ["queue_pending"])])
def test_too_many_due_jobs(count: int, broken: list[str]) -> None:
    make(count)
    make(30, run_at=timezone.now() + timedelta(hours=1))
    assert codes() == broken


@pytest.mark.parametrize(("seconds", "broken"), [(290, []), (310, ["queue_oldest"])])
def test_a_due_job_that_nobody_takes(seconds: int, broken: list[str]) -> None:
    JobFactory.create(run_at=ago(seconds=seconds))
    assert codes() == broken


@pytest.mark.parametrize(("count", "broken"), [(10, []), (11, ["queue_failed"])])
def test_too_many_failures_in_a_day(count: int, broken: list[str]) -> None:
    make(count, failed=True)
    make(5, failed=True, finished_at=ago(hours=25))
    make(215, succeeded=True)
    assert codes() == broken


@pytest.mark.parametrize(
    ("good", "bad", "severity"), [(96, 4, None), (94, 6, "warning"), (60, 7, "critical"), (10, 5, None)]
)
def test_too_low_a_share_of_successes(good: int, bad: int, severity: str | None) -> None:
    make(good, succeeded=True)
    make(bad, failed=True)
    make(50, succeeded=True, name="platform.check_queue")
    check_queue()
    alert = Alert.objects.filter(error_code="queue_success_rate").first()
    assert (alert.severity if alert else None) == severity


def test_a_job_that_runs_for_too_long() -> None:
    connection = IntegrationFactory.create(name="WorkStudio circuits")
    JobFactory.create(running=True, started_at=ago(minutes=29), integration=connection)
    assert codes() == []
    stuck = JobFactory.create(running=True, started_at=ago(minutes=31), integration=connection)
    JobFactory.create(running=True, started_at=ago(minutes=2), name="platform.check_queue")
    check_queue()
    found = {alert.message: alert for alert in Alert.objects.filter(rule="stuck")}
    assert set(found) == {
        "circuits.sync_circuits of WorkStudio circuits has been running for 31 minutes",
        "platform.check_queue has been running for 2 minutes",
    }
    assert {alert.context["job"] for alert in found.values()} >= {str(stuck.pk)}
    Job.objects.update(status=JobStatus.SUCCEEDED, finished_at=timezone.now())
    assert codes() == []
    assert Alert.objects.filter(state=AlertState.RECOVERED).count() == 2


def test_trouble_that_lasts_is_one_alert_and_its_end_the_recovery() -> None:
    make(51)
    check_queue()
    make(9)
    check_queue()
    alert = Alert.objects.get()
    assert (alert.count, alert.message) == (2, "60 jobs are due and not started")
    Job.objects.all().delete()
    check_queue()
    assert Alert.objects.get().state == AlertState.RECOVERED


def test_thresholds_can_be_others() -> None:
    make(3)
    assert [problem.error_code for problem in check_queue(Thresholds(pending=2))] == ["queue_pending"]


def test_an_empty_queue_has_figures() -> None:
    health = queue_health(timezone.now())
    assert (health.pending, health.oldest_s, health.ended, health.success_rate) == (0, 0.0, 0, 1.0)


def test_it_is_looked_at_every_five_minutes() -> None:
    schedule = {schedule.name: schedule for schedule in SCHEDULES}["check-queue"]
    assert schedule.cron == "*/5 * * * *"
    job = schedule.start()
    assert job is not None
    assert job_class(job.name) is CheckQueueJob
