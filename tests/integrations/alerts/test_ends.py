"""What the ends of jobs and runs open and recover, by the hooks that the engine calls."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import DatabaseError

from accounts.models import Account
from integrations.alerts import service, wiring
from integrations.alerts.notify import NotifyAlert
from integrations.alerts.service import recover_by_later_success
from integrations.jobs import hooks
from integrations.jobs.outcomes import Decision, Next
from integrations.models import Integration
from synclogs import metrics
from synclogs.models import Alert, AlertState, Job, SyncLog, SyncStatus
from tests.factories import IntegrationFactory, JobFactory, SyncLogFactory
from tests.integrations.alerts.conftest import failure

pytestmark = pytest.mark.django_db


@pytest.fixture
def connection() -> Integration:
    return IntegrationFactory.create(account=Account.objects.platform())


def job_of(connection: Integration | None, **options: Any) -> Job:
    return JobFactory.create(integration=connection, **{"failed": True} | options)


def fail(connection: Integration, times: int = 1, **options: Any) -> Job:
    """So many failed runs of a connection, as the engine ends them."""
    for _ in range(times):
        job, run = job_of(connection), SyncLogFactory.create(failed=True, integration=connection)
        Integration.objects.filter(pk=connection.pk).update(error_count=connection.error_count + 1)
        connection.refresh_from_db()
        hooks.job_failed(job, run, failure(**options))
    return job


def run_of(connection: Integration | None, **options: Any) -> SyncLog:
    return SyncLogFactory.create(integration=connection, **options)


def end_well(connection: Integration, **options: Any) -> None:
    hooks.run_ended(job_of(connection, failed=False, succeeded=True), run_of(connection, **options))


@pytest.mark.parametrize(
    ("code", "rule"),
    [
        ("unauthorized", "credential_refused"),
        ("invalid_grant", "credential_refused"),
        ("secret_unreadable", "credential_refused"),
        ("not_configured", "configuration"),
        ("private_address", "configuration"),
        ("database", "database"),
        ("protocol", "contract_violation"),
        ("bad_request", "contract_violation"),
        ("error", "contract_violation"),
        ("server_error", "dead_letter"),
        ("poison", "dead_letter"),
        ("timeout", "dead_letter"),
    ],
)
def test_a_job_that_failed_for_good_is_critical(connection: Integration, code: str, rule: str) -> None:
    job = fail(connection, code=code)
    alert = Alert.objects.get()
    assert (alert.rule, alert.severity, alert.source) == (rule, "critical", job.name)
    assert (alert.error_code, alert.message) == (code, "it broke")
    assert (alert.account_id, alert.integration, alert.job) == (job.account_id, connection, job)
    assert alert.run is not None


def test_the_third_failure_in_a_row_warns_and_the_tenth_pauses(connection: Integration) -> None:
    repeated = Alert.objects.filter(rule="repeated_failures")
    fail(connection, 2)
    assert not repeated.exists()
    fail(connection)
    assert repeated.get().severity == "warning"
    fail(connection, 6)
    assert repeated.get().count == 7
    assert not Integration.objects.get().paused
    fail(connection)
    assert repeated.filter(severity="critical", message__contains="10 times and is paused").exists()
    assert Integration.objects.get().paused


def test_one_that_was_resumed_has_ten_more_tries(connection: Integration) -> None:
    fail(connection, 10)
    Integration.objects.update(paused=False)
    fail(connection, 9)
    assert not Integration.objects.get().paused
    fail(connection)
    assert Integration.objects.get().paused


def test_the_first_good_run_recovers_what_the_connection_had(connection: Integration) -> None:
    other = IntegrationFactory.create(account=connection.account)
    fail(connection, 3)
    fail(other)
    end_well(connection)
    assert set(Alert.objects.filter(integration=connection).values_list("state", flat=True)) == {"recovered"}
    assert Alert.objects.get(integration=other).state == AlertState.OPEN


@pytest.mark.parametrize(
    ("good", "failed", "opens"),
    [(95, 5, False), (94, 6, True), (0, 19, False), (0, 20, True), (18, 1, False)],
)
def test_too_large_a_share_of_lost_records_is_critical(
    connection: Integration, good: int, failed: int, opens: bool
) -> None:
    counts = {"records_created": good, "records_updated": 0, "records_unchanged": 0, "records_failed": failed}
    end_well(connection, warning=True, **counts)
    found = Alert.objects.filter(rule="failed_share", severity="critical")
    assert found.exists() is opens
    end_well(connection)
    assert not Alert.objects.filter(state=AlertState.OPEN).exists()


def test_an_unusually_empty_answer_warns_until_there_is_something_again(connection: Integration) -> None:
    empty = {
        "sync_status": SyncStatus.WARNING,
        "error_code": "unusual_zero",
        "error_message": "no ACTIV circuits",
    }
    end_well(connection, **empty)
    alert = Alert.objects.get()
    assert (alert.rule, alert.severity, alert.message) == ("unusual_zero", "warning", "no ACTIV circuits")
    end_well(connection, **empty)
    assert Alert.objects.get().count == 2
    end_well(connection)
    assert Alert.objects.get().state == AlertState.RECOVERED


def test_a_job_without_a_run_recovers_at_its_next_success() -> None:
    job = JobFactory.create(name="platform.prune", failed=True)
    hooks.job_failed(job, None, failure())
    assert recover_by_later_success() == 0
    JobFactory.create(name="platform.other", succeeded=True, finished_at=Alert.objects.get().last_seen)
    assert recover_by_later_success() == 0
    good = JobFactory.create(name="platform.prune", succeeded=True)
    Alert.objects.update(last_seen=good.finished_at)
    assert recover_by_later_success() == 0
    Alert.objects.update(last_seen=good.started_at)
    assert recover_by_later_success() == 1


def test_a_notice_that_cannot_be_sent_opens_no_alert() -> None:
    hooks.job_failed(JobFactory.create(name=NotifyAlert.name, failed=True), None, failure())
    assert not Alert.objects.exists()


def test_a_hook_that_fails_is_undone_and_hides_nothing(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, connection: Integration
) -> None:
    def broken(*args: Any) -> None:
        Integration.objects.update(name="half done")
        raise DatabaseError("no room for alerts")

    monkeypatch.setattr(hooks, "on_job_failed", [broken, service.job_failed])
    hooks.job_failed(job_of(connection), None, failure())
    assert Integration.objects.get().name == connection.name
    assert Alert.objects.exists()
    assert "no room for alerts" in caplog.text


def test_connecting_twice_calls_once() -> None:
    wiring.connect()
    wiring.connect()
    assert hooks.on_job_failed.count(service.job_failed) == 1


@pytest.fixture
def lines(settings: Any, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    monkeypatch.setattr(metrics, "_backends", {})
    settings.STATSD_BACKEND = "memory"
    return metrics.backend().lines  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("end", "name"),
    [
        (Next.SUCCEED, "succeeded"),
        (Next.FAIL, "failed"),
        (Next.PARK, "failed"),
        (Next.RETRY, "retried"),
        (Next.POSTPONE, "throttled"),
        (Next.CANCEL, "cancelled"),
    ],
)
def test_tries_are_counted_and_timed(lines: list[str], end: Next, name: str) -> None:
    job = JobFactory.create()
    hooks.try_started(job)
    hooks.try_ended(job, Decision(end, "x"), 61_000)
    tags = f"#command:circuits.sync_circuits,account:{job.account_id}"
    assert lines == [
        f"queue.job.started:1|c|@1|{tags}",
        f"queue.job.{name}:1|c|@1|{tags}",
        f"queue.job.duration:61000|ms|@1|{tags}",
    ]


def test_a_try_that_was_lost_counts_nothing(lines: list[str]) -> None:
    hooks.try_ended(JobFactory.create(), Decision(Next.LOST, "lease lapsed"), None)
    assert lines == []


def test_errors_of_workers_are_counted_after_the_commit(
    lines: list[str], connection: Integration, django_capture_on_commit_callbacks: Any
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        fail(connection)
        assert lines == []
    assert lines == ["worker.error:1|c|@1|#worker:sync_circuits_job,error_type:JobFailed"]
