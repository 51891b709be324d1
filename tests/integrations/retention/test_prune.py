"""What is pruned, what stays however old it is, and that pruning is bounded."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.core.management import call_command
from django.db import DatabaseError, models
from django.utils import timezone
from django_q.models import Task

from accounts.models import Account
from circuits.models import Circuit
from integrations.housekeeping import SCHEDULES
from integrations.jobs.foreground import run_in_foreground
from integrations.jobs.outcomes import JobCancelled, Next
from integrations.models import AccessToken, OAuthApplication, OAuthAuthorization
from integrations.retention import prune as pruning
from integrations.retention import rules
from integrations.retention.job import PruneJob
from integrations.retention.prune import count_past, prune
from synclogs.models import (
    Alert,
    AlertState,
    CommandExecution,
    Job,
    JobAttempt,
    JobStatus,
    LiveEvent,
    SyncIssue,
    SyncLog,
)
from synclogs.progress import SilentReporter
from tests.factories import (
    CircuitFactory,
    JobAttemptFactory,
    JobFactory,
    SyncIssueFactory,
    SyncLogFactory,
    UserFactory,
)

pytestmark = pytest.mark.django_db


def ago(days: float) -> Any:
    return timezone.now() - timedelta(days=days)


def job(days: float, **options: Any) -> Job:
    """A job that ended so many days ago, with an attempt."""
    options = {"succeeded": True} | options
    made = JobFactory.create(**options, finished_at=ago(days))
    JobAttemptFactory.create(job=made)
    return made


def run(days: float, **options: Any) -> SyncLog:
    """A run that began so many days ago, with an issue."""
    made = SyncLogFactory.create(started_at=ago(days), **options)
    SyncIssueFactory.create(run=made)
    return made


def alert(state: AlertState = AlertState.OPEN, **options: Any) -> Alert:
    number = Alert.objects.count()
    options = {"rule": "dead_letter", "severity": "critical", "source": "x", "message": "m"} | options
    moments = {"first_seen": ago(900), "last_seen": ago(900)}
    return Alert.objects.create(fingerprint=f"{number}", state=state, **moments, **options)


def command(days: float, **options: Any) -> CommandExecution:
    return CommandExecution.objects.create(command="x", started_at=ago(days), **options)


def event(days: float) -> LiveEvent:
    made = LiveEvent.objects.create(channel="dashboard", kind="x")
    LiveEvent.objects.filter(pk=made.pk).update(created_at=ago(days))
    return made


def result(days: float) -> Task:
    return Task.objects.create(
        id=str(days), name="x", func="f", started=ago(days), stopped=ago(days), success=True
    )


MAKERS: list[tuple[str, Callable[[float], models.Model], float]] = [
    ("jobs", job, 30),
    ("jobs", lambda days: job(days, succeeded=False, cancelled=True), 30),
    ("failed_jobs", lambda days: job(days, succeeded=False, failed=True), 180),
    ("runs", run, 365),
    ("runs", lambda days: run(days, failed=True), 365),
    ("commands", command, 90),
    ("alerts", lambda days: alert(AlertState.RECOVERED, recovered_at=ago(days)), 180),
    ("live_events", event, 2),
    ("queue_results", result, 1),
]


@pytest.mark.parametrize(("name", "make", "days"), MAKERS)
def test_each_table_keeps_its_days(name: str, make: Callable[[float], models.Model], days: float) -> None:
    old, young = make(days + 0.1), make(days - 0.1)
    assert count_past().rows[name] == 1
    assert prune().rows == dict.fromkeys((rule.name for rule in rules.RULES), 0) | {name: 1}
    left = list(type(old)._base_manager.values_list("pk", flat=True))
    assert left == [young.pk]


def test_the_days_are_settings(settings: Any) -> None:
    job(3)
    settings.RETENTION_JOBS_DAYS = 2.5
    assert prune().rows["jobs"] == 1


def test_what_hangs_on_a_row_goes_along_and_what_points_to_it_stays() -> None:
    old_job, old_run = job(31), run(366)
    child = SyncLogFactory.create(job=old_job, retry_of=old_run)
    retry = JobFactory.create(retry_of=old_job)
    mine = command(1, run=old_run)
    told = alert(AlertState.RECOVERED, recovered_at=ago(1), run=old_run, job=old_job)
    circuit = CircuitFactory.create(last_run=old_run)
    prune()
    assert not JobAttempt.objects.filter(job_id=old_job.pk).exists()
    assert not SyncIssue.objects.filter(run_id=old_run.pk).exists()
    for row in (child, retry, mine, told, circuit):
        row.refresh_from_db()
    assert (child.job, child.retry_of, retry.retry_of, mine.run, told.run, told.job) == (None,) * 6
    assert Circuit.objects.get().last_run is None


@pytest.mark.parametrize("status", [JobStatus.QUEUED, JobStatus.RUNNING, JobStatus.RETRY_WAIT])
def test_open_jobs_stay(status: JobStatus) -> None:
    made = JobFactory.create(status=status, run_at=ago(900), started_at=ago(900), finished_at=ago(900))
    Job.objects.update(created_at=ago(900))
    prune()
    assert Job.objects.filter(pk=made.pk).exists()


def test_open_runs_stay_with_their_jobs() -> None:
    opener, part = job(900), job(900)
    opened = SyncLogFactory.create(running=True, started_at=ago(900), job=opener)
    Job.objects.filter(pk=part.pk).update(run=opened)
    prune()
    assert SyncLog.objects.count() == 1
    assert Job.objects.count() == 2


def test_runs_that_an_open_job_works_for_stay() -> None:
    kept = run(900)
    JobFactory.create(run=kept, running=True)
    prune()
    assert SyncLog.objects.get() == kept


def test_open_alerts_stay_with_what_they_point_to() -> None:
    found = alert(run=run(900), job=job(900, succeeded=False, failed=True))
    prune()
    found.refresh_from_db()
    assert found.run is not None
    assert found.job is not None


def test_a_retry_stays_as_long_as_the_failure_that_it_mended() -> None:
    failed = job(100, succeeded=False, failed=True)
    mended = job(99, retry_of=failed)
    prune()
    assert set(Job.objects.all()) == {failed, mended}
    Job.objects.update(finished_at=ago(181))
    prune()
    assert not Job.objects.exists()


def test_many_rows_go_batch_by_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    small = [rules.Rule(rule.name, rule.setting, rule.past, batch=3) for rule in rules.RULES]
    monkeypatch.setattr(pruning, "RULES", small)
    for _ in range(7):
        event(3)
        job(31)
    checked: list[int] = []
    pruned = prune(check=lambda: checked.append(LiveEvent.objects.count() + Job.objects.count()))
    assert (pruned.rows["live_events"], pruned.rows["jobs"], pruned.total) == (7, 7, 14)
    assert checked == [11, 8, 7, 4, 1, 0]


def test_a_check_that_raises_stops_between_batches() -> None:
    event(3)
    job(31)

    def stop() -> None:
        raise JobCancelled

    with pytest.raises(JobCancelled):
        prune(check=stop)
    assert not LiveEvent.objects.exists()
    assert Job.objects.exists()


def test_its_time_is_bounded() -> None:
    event(3)
    job(31)
    pruned = prune(max_seconds=-1)
    assert pruned.unfinished
    assert pruned.total == 1


def test_a_table_that_cannot_be_pruned_stops_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(before: Any) -> Any:
        raise DatabaseError("no such table")

    broken = rules.Rule("live_events", "RETENTION_LIVE_EVENTS_DAYS", refuse)
    monkeypatch.setattr(pruning, "RULES", (broken, *rules.RULES[1:]))
    job(31)
    code, answer = call()
    assert (code, answer["status"], answer["counters"]["jobs"]) == (1, "partial", 1)
    assert answer["errors"][0]["message"] == "could not be pruned: live_events (no such table)"


def call(*args: str) -> tuple[int, dict[str, Any]]:
    out = io.StringIO()
    try:
        call_command("prune", "--json", *args, stdout=out, stderr=io.StringIO())
    except SystemExit as error:
        return int(str(error.code)), json.loads(out.getvalue())
    return 0, json.loads(out.getvalue())


def test_a_dry_run_counts_and_writes_nothing() -> None:
    job(31)
    event(3)
    code, answer = call("--dry-run")
    assert code == 0
    assert (answer["counters"]["jobs"], answer["counters"]["live_events"]) == (1, 1)
    assert (Job.objects.count(), LiveEvent.objects.count(), CommandExecution.objects.count()) == (1, 1, 0)


def test_people_get_one_line() -> None:
    job(31)
    out = io.StringIO()
    call_command("prune", "--dry-run", stdout=out)
    call_command("prune", stdout=out)
    call_command("prune", "--quiet", stdout=out)
    counts = (
        "0 authorizations, 0 access tokens, "
        "0 live events, 0 raw payloads, 0 queue results, 0 alerts, 0 commands, 0 webhooks, "
        "0 refused webhooks, 1 jobs, 0 failed jobs, 0 runs."
    )
    assert out.getvalue() == f"Would delete: {counts}\nDeleted: {counts}\n"


def test_it_happens_every_night() -> None:
    schedule = {schedule.name: schedule for schedule in SCHEDULES}["prune"]
    assert schedule.cron == "15 3 * * *"
    queued = schedule.start()
    assert queued is not None
    assert queued.name == "platform.prune"


@pytest.mark.django_db(transaction=True)
def test_the_job_prunes_and_says_how_much() -> None:
    job(31)
    event(3)
    account = Account.objects.platform()
    done, decision = run_in_foreground(
        PruneJob, account=account, integration=None, args={}, reporter=SilentReporter()
    )
    assert (decision.next, done.result) == (Next.SUCCEED, "2 rows")
    assert not LiveEvent.objects.exists()


def test_visits_to_consent_pages_and_ended_tokens_go_and_tokens_in_use_stay() -> None:
    account = Account.objects.platform()
    application = OAuthApplication.objects.create(account=account, provider="monzo", client_id="c")
    for days in (91, 89):
        OAuthAuthorization.objects.create(
            provider="monzo",
            application=application,
            account=account,
            user=UserFactory(),
            state_hash=str(days),
            session_hash="",
            redirect_uri="",
            expires_at=ago(days),
        )
        AccessToken.objects.create(key=str(days), provider="zuora", expires_at=ago(days))
    AccessToken.objects.create(key="in use", provider="zuora", expires_at=ago(-1))
    AccessToken.objects.update(updated_at=ago(91))
    prune()
    assert list(OAuthAuthorization.objects.values_list("state_hash", flat=True)) == ["89"]
    assert sorted(AccessToken.objects.values_list("key", flat=True)) == ["89", "in use"]
