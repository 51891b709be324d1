"""manage.py queue: what operators see and do, with the exit codes that cron reads."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.core.management import CommandError, call_command
from django.forms.models import model_to_dict
from django.utils import timezone

from accounts.models import Account
from integrations.jobs.monitoring import queue_numbers
from integrations.models import Integration
from synclogs.counts import Counts
from synclogs.models import (
    CommandExecution,
    Job,
    JobAttempt,
    JobQueue,
    JobStatus,
    SyncLog,
    SyncStatus,
    WorkerHeartbeat,
)
from tests.factories import AccountFactory
from tests.integrations.jobs.conftest import run
from tests.integrations.jobs.test_operations import fail, postpone
from tests.integrations.jobs.testjobs import ActingJob, ActingSync, OnceJob, acting

pytestmark = pytest.mark.django_db


def queue(*arguments: str) -> tuple[dict[str, Any], int]:
    """The JSON that `queue` prints, and its exit code."""
    out = io.StringIO()
    try:
        call_command("queue", *arguments, "--json", stdout=out, stderr=io.StringIO())
    except SystemExit as end:
        return json.loads(out.getvalue()), int(str(end.code))
    return json.loads(out.getvalue()), 0


def shown(*arguments: str) -> str:
    """What `queue` shows to people."""
    out = io.StringIO()
    with suppress(SystemExit):
        call_command("queue", *arguments, stdout=out, stderr=io.StringIO())
    return out.getvalue()


def failed(account: Account, **args: Any) -> Job:
    """A job that failed for good."""
    job = OnceJob.dispatch(account=account, args=args)
    with acting(handle=fail):
        run(job)
    job.refresh_from_db()
    return job


def workers_live(workers: int = 2, *, queue: str = "all", seconds_ago: float = 0) -> None:
    """Somebody says that workers live."""
    then = timezone.now() - timedelta(seconds=seconds_ago)
    WorkerHeartbeat.objects.create(
        supervisor=f"h:{workers}:1", queue=queue, workers=workers, started_at=then, beat_at=then
    )


def test_status_counts_by_queue_and_is_content(account: Account) -> None:
    workers_live()
    ActingJob.dispatch(account=account, args={"n": 1})
    ActingJob.dispatch(account=account, args={"n": 2}, run_at=timezone.now() + timedelta(hours=1))
    Job.objects.filter(args__n=1).update(run_at=timezone.now() - timedelta(seconds=90))
    with acting():
        run(ActingJob.dispatch(account=account, args={"n": 3}, queue=JobQueue.WEBHOOK))
    failed(account)
    answer, code = queue("status")
    assert (code, answer["status"], answer["action"]) == (0, "ok", "status")
    queues = {numbers["queue"]: numbers for numbers in answer["queues"]}
    assert list(queues) == list(JobQueue.values)
    fetch = queues["fetch"]
    assert (fetch["pending"], fetch["delayed"], fetch["failed"], fetch["workers"]) == (1, 1, 1, 2)
    assert fetch["oldest_pending_s"] == pytest.approx(90, abs=5)
    webhook = queues["webhook"]
    assert webhook["throughput_per_hour"] == 1
    assert webhook["p95_duration_s"] >= 0
    assert answer["counters"] == {"pending": 1, "delayed": 1, "running": 0, "retry_wait": 0, "failed": 1}
    assert [line.split()[0] for line in shown("status").splitlines()] == ["queue", *JobQueue.values]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--max-pending", "1"], "2 jobs are due"),
        (["--max-age", "60"], "the oldest due job waits"),
        (["--max-failed", "0"], "failed in a day"),
    ],
)
def test_status_fails_beyond_a_limit(account: Account, arguments: list[str], words: str) -> None:
    workers_live()
    for n in range(2):
        ActingJob.dispatch(account=account, args={"n": n})
    Job.objects.update(run_at=timezone.now() - timedelta(seconds=90))
    failed(account)
    assert queue("status")[1] == 0
    answer, code = queue("status", *arguments)
    assert code == 1
    assert words in answer["errors"][0]["message"]


def test_status_fails_when_work_is_due_and_no_worker_lives(account: Account) -> None:
    ActingJob.dispatch(account=account)
    workers_live(seconds_ago=120)
    workers_live(1, queue="webhook")
    answer, code = queue("status", "--queue", "fetch")
    assert code == 1
    assert "no workers live" in answer["errors"][0]["message"]
    assert [numbers["queue"] for numbers in answer["queues"]] == ["fetch"]


def test_status_costs_three_queries_however_many_jobs(
    account: Account, django_assert_num_queries: Callable[..., Any]
) -> None:
    for n in range(8):
        failed(account, n=n)
        ActingJob.dispatch(account=account, args={"n": n}, queue=JobQueue(JobQueue.values[n % 7]))
        with django_assert_num_queries(3):
            queue_numbers()


def test_a_retried_failure_is_no_dead_letter_any_more(account: Account) -> None:
    job = failed(account)
    assert queue("failed")[0]["counters"] == {"total": 1, "shown": 1}
    answer, code = queue("retry", str(job.pk))
    assert (code, answer["counters"]["retried"]) == (0, 1)
    assert queue("failed")[0]["counters"] == {"total": 0, "shown": 0}
    assert queue("status", "--queue", "fetch")[0]["queues"][0]["failed"] == 0


def test_failed_jobs_come_with_what_to_do(account: Account, connection_of: Integration) -> None:
    job = ActingSync.dispatch(account=account, integration=connection_of)
    with acting(sync=fail):
        run(job)
    (line,) = queue("failed")[0]["jobs"]
    assert (line["id"], line["name"], line["integration"]) == (str(job.pk), job.name, connection_of.name)
    assert (line["error_code"], line["attempts"]) == ("unauthorized", 1)
    assert "credential" in line["hint"]
    text = shown("failed")
    assert str(job.pk) in text
    assert "hint: " in text
    assert text.rstrip().endswith("1 of 1 failed jobs.")


def test_lists_are_limited_and_filtered(account: Account) -> None:
    for n in range(3):
        failed(account, n=n)
    other = failed(AccountFactory(), n=9)
    Job.objects.filter(pk=other.pk).update(finished_at=timezone.now() - timedelta(days=2))
    assert queue("failed", "--limit", "2")[0]["counters"] == {"total": 4, "shown": 2}
    assert queue("failed", "--since", "1d")[0]["counters"]["total"] == 3
    assert queue("failed", "--service", "nobody")[0]["counters"]["total"] == 0
    assert queue("failed", "--account", str(other.account_id))[0]["counters"]["total"] == 1
    assert queue("failed", "--queue", "webhook")[0]["counters"]["total"] == 0


def test_waiting_and_running_jobs_are_listed_apart(account: Account, claim_of: Callable[[Job], Any]) -> None:
    waiting = ActingJob.dispatch(account=account, args={"n": 1})
    running = claim_of(ActingJob.dispatch(account=account, args={"n": 2})).job
    assert [job["id"] for job in queue("pending")[0]["jobs"]] == [str(waiting.pk)]
    (line,) = queue("active")[0]["jobs"]
    assert (line["id"], line["owner"]) == (str(running.pk), running.owner)


def test_a_list_costs_the_same_queries_however_long(
    account: Account, django_assert_num_queries: Callable[..., Any]
) -> None:
    for n in range(3):
        failed(account, n=n)
        with django_assert_num_queries(2):
            queue("failed")


def test_all_failed_jobs_are_retried_once_the_cause_is_gone(account: Account) -> None:
    jobs = [failed(account, n=n) for n in range(3)]
    before = [model_to_dict(job) for job in Job.objects.order_by("pk")]
    answer, code = queue("retry", "--all", "--dry-run")
    assert (code, answer["counters"]["retried"]) == (0, 3)
    assert [model_to_dict(job) for job in Job.objects.order_by("pk")] == before
    assert queue("retry", "--all")[0]["counters"] == {"retried": 3, "refused": 0}
    again = Job.objects.filter(retry_of__in=jobs)
    with acting():
        assert [run(job) for job in again] == ["succeed"] * 3
    answer, code = queue("retry", "--all")
    assert (code, answer["errors"][0]["code"]) == (1, "none_matched")


def test_retry_refuses_what_did_not_fail_and_does_the_rest(account: Account) -> None:
    bad, unknown = failed(account), str(uuid4())
    good = ActingJob.dispatch(account=account)
    with acting():
        run(good)
    answer, code = queue("retry", str(good.pk), str(bad.pk), unknown)
    assert (code, answer["status"]) == (1, "partial")
    assert answer["counters"] == {"retried": 1, "refused": 1}
    assert sorted(error["code"] for error in answer["errors"]) == ["not_found", "refused"]
    assert Job.objects.filter(retry_of=good).count() == 0


def test_clear_deletes_failed_jobs_and_nothing_else(account: Account, claim_of: Callable[[Job], Any]) -> None:
    old, new = failed(account, n=1), failed(account, n=2)
    Job.objects.filter(pk=old.pk).update(finished_at=timezone.now() - timedelta(days=8))
    waiting = ActingJob.dispatch(account=account, args={"n": 3})
    running = claim_of(ActingJob.dispatch(account=account, args={"n": 4})).job
    assert queue("clear", "--dry-run")[0]["counters"] == {"cleared": 2}
    assert Job.objects.count() == 4
    assert queue("clear", "--older-than", "7d", "--yes")[0]["counters"] == {"cleared": 1}
    assert not Job.objects.filter(pk=old.pk).exists()
    assert not JobAttempt.objects.filter(job=old.pk).exists()
    assert queue("clear", "--yes")[0]["counters"] == {"cleared": 1}
    assert not Job.objects.filter(pk=new.pk).exists()
    assert queue("clear", "--pending", "--yes")[0]["counters"] == {"cleared": 1}
    assert list(Job.objects.all()) == [running]
    assert not Job.objects.filter(pk=waiting.pk).exists()


def test_clearing_a_waiting_job_cancels_its_run(account: Account, connection_of: Integration) -> None:
    job = ActingSync.dispatch(account=account, integration=connection_of)
    with acting(sync=postpone):
        assert run(job) == "retry"
    assert queue("clear", "--pending", "--yes")[0]["counters"] == {"cleared": 1}
    log = SyncLog.objects.get()
    assert (log.sync_status, log.lock_key, log.counts) == (SyncStatus.CANCELLED, None, Counts(created=2))
    assert not Job.objects.exists()


def test_a_job_started_meanwhile_is_not_cleared(
    account: Account, claim_of: Callable[[Job], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    job = ActingJob.dispatch(account=account)
    claim_of(job)
    monkeypatch.setattr("integrations.management.commands.queue.WAITING_JOB_STATUSES", tuple(JobStatus))
    queue("clear", "--pending", "--yes")
    job.refresh_from_db()
    assert job.status == JobStatus.RUNNING


@pytest.mark.parametrize(
    "arguments",
    [
        ["retry"],
        ["clear"],
        ["status", "x"],
        ["retry", "--all", "00000000-0000-4000-8000-000000000000"],
        ["failed", "--limit", "0"],
        ["failed", "--since", "soon"],
        ["status", "--account", "x"],
        ["status", "--account", "999999"],
    ],
    ids=" ".join,
)
def test_what_makes_no_sense_is_refused(db: None, arguments: list[str]) -> None:
    with pytest.raises(CommandError) as refused:
        call_command("queue", *arguments, "--quiet", stdout=io.StringIO(), stderr=io.StringIO())
    assert refused.value.returncode in (1, 2)


def test_looking_leaves_no_row_behind(account: Account) -> None:
    failed(account)
    for arguments in (["status"], ["failed"], ["pending"], ["active"], ["clear", "--dry-run"]):
        queue(*arguments)
    assert not CommandExecution.objects.exists()
    queue("clear", "--yes")
    assert CommandExecution.objects.get().command == "queue"
