"""How a try ends: one transaction, fenced by the claim."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import OperationalError
from django.utils import timezone

from accounts.models import Account, AccountStatus
from integrations.http.errors import ConnectionFailed, ServerError
from integrations.jobs import runner
from integrations.jobs.claim import Claim
from integrations.jobs.lease import LeaseKeeper
from integrations.jobs.outcomes import Next, Postpone
from integrations.jobs.qcluster import ReplaceWorker, TimeoutException
from integrations.jobs.registry import UnknownJob, job_class
from synclogs.models import AttemptOutcome, Job, JobStatus
from tests.integrations.jobs.conftest import run
from tests.integrations.jobs.testjobs import ActingJob, OnceJob, acting

pytestmark = pytest.mark.django_db


def raising(error: BaseException) -> Callable[[Any], str | None]:
    """An act that raises."""

    def act(work: Any) -> str | None:
        raise error

    return act


def test_success_is_written_on_job_and_attempt(account: Account) -> None:
    job = ActingJob.dispatch(account=account)
    with acting(handle=lambda work: "skipped") as called:
        assert run(job) == "succeed"
    assert called == ["handle", "on_succeeded"]
    job.refresh_from_db()
    assert (job.status, job.result, job.deliveries, job.attempts) == (JobStatus.SUCCEEDED, "skipped", 0, 0)
    assert (job.lease_until, job.lease_token, job.error_code, job.error_message) == (None, "", "", "")
    assert job.finished_at is not None
    attempt = job.tries.get()
    assert (attempt.outcome, attempt.rule) == (AttemptOutcome.SUCCEEDED, "done")
    assert attempt.finished_at is not None


def test_a_failure_waits_for_its_retry_and_says_why(account: Account) -> None:
    job = ActingJob.dispatch(account=account)
    with acting(handle=raising(ServerError("the password is hunter2", status=503))) as called:
        assert run(job) == "retry"
    assert called == ["handle", "on_waiting"]
    job.refresh_from_db()
    assert (job.status, job.attempts, job.deliveries) == (JobStatus.RETRY_WAIT, 1, 0)
    assert (job.error_code, job.enqueued_at) == ("server_error", None)
    assert "retry 1 of 3" in job.wait_reason
    attempt = job.tries.get()
    assert (attempt.outcome, attempt.rule, attempt.wait_s) == (
        AttemptOutcome.FAILED,
        "retryable vendor error",
        60,
    )
    assert attempt.error_class == "ServerError"
    assert "test_settle.py" in attempt.traceback
    assert attempt.actionable_message


def test_an_error_in_the_hook_of_success_fails_the_job_instead_and_undoes_what_the_hook_wrote(
    account: Account,
) -> None:
    job = OnceJob.dispatch(account=account)

    def rename_then_break(work: Any) -> None:
        Account.objects.filter(pk=account.pk).update(name="renamed by the hook")
        raise ValueError("broken hook")

    with acting(on_succeeded=rename_then_break) as called:
        assert run(job) == "fail"
    assert called == ["handle", "on_succeeded", "on_failed"]
    account.refresh_from_db()
    assert account.name != "renamed by the hook"
    job.refresh_from_db()
    assert (job.status, job.error_message) == (JobStatus.FAILED, "broken hook")


@pytest.mark.parametrize(("error", "hook"), [(TypeError("x"), "on_failed"), (ServerError(), "on_waiting")])
def test_a_job_ends_also_when_the_hook_of_its_end_is_broken(
    account: Account, error: Exception, hook: str
) -> None:
    job = ActingJob.dispatch(account=account)
    acts = {"handle": raising(error), hook: raising(ValueError("broken hook"))}
    with acting(**acts):
        assert run(job) == "fail"
    job.refresh_from_db()
    assert (job.status, job.error_message) == (JobStatus.FAILED, "broken hook")
    assert job.tries.get().rule == "the end hook failed"


def test_a_database_that_drops_the_end_is_tried_again(
    account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runner, "SETTLE_PAUSES", (0.0, 0.0))
    monkeypatch.setattr("integrations.jobs.runner.connection.close", lambda: None)
    job = ActingJob.dispatch(account=account)
    failures = [OperationalError("server closed the connection"), OperationalError("still away")]

    def fail_twice(work: Any) -> None:
        if failures:
            raise failures.pop()

    with acting(on_succeeded=fail_twice) as called:
        assert run(job) == "succeed"
    assert called == ["handle", *["on_succeeded"] * 3]


def test_a_worker_that_cannot_write_the_end_is_replaced(
    account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runner, "SETTLE_PAUSES", (0.0,))
    monkeypatch.setattr("integrations.jobs.runner.connection.close", lambda: None)
    monkeypatch.setattr(runner, "settle", lambda *args: raising(OperationalError("away"))(None))
    job = ActingJob.dispatch(account=account)
    with acting(), pytest.raises(ReplaceWorker):
        run(job)
    job.refresh_from_db()
    assert job.status == JobStatus.RUNNING


def test_what_lost_its_claim_writes_nothing(account: Account, claim_of: Callable[[Job], Claim]) -> None:
    job = ActingJob.dispatch(account=account)
    held = claim_of(job)
    Job.objects.filter(pk=job.pk).update(lease_until=timezone.now() - timedelta(seconds=1))
    newer = claim_of(job)

    with acting() as called, LeaseKeeper(held) as keeper:
        assert runner.execute(held, keeper).next is Next.LOST
    assert called == ["handle", "on_succeeded"]
    job.refresh_from_db()
    assert (job.status, job.lease_token) == (JobStatus.RUNNING, newer.token)
    assert list(job.tries.values_list("outcome", flat=True)) == [
        AttemptOutcome.LOST,
        AttemptOutcome.RUNNING,
    ]


def test_a_postponed_job_waits_without_costing_an_attempt(account: Account) -> None:
    job = ActingJob.dispatch(account=account)
    until = timezone.now() + timedelta(minutes=10)
    with acting(handle=raising(Postpone(until, "quota spent"))):
        assert run(job) == "postpone"
    job.refresh_from_db()
    assert (job.status, job.attempts, job.deliveries) == (JobStatus.QUEUED, 0, 0)
    assert job.postponed_s == pytest.approx(600, abs=2)
    assert abs((job.run_at - until).total_seconds()) < 2
    assert (job.wait_reason, job.error_code, job.error_message) == ("quota spent", "", "")
    assert job.tries.get().outcome == AttemptOutcome.POSTPONED


@pytest.mark.usefixtures("committed")
def test_a_timeout_is_recorded_and_goes_on_to_the_queue(account: Account) -> None:
    job = ActingJob.dispatch(account=account)
    with acting(handle=raising(TimeoutException("too long"))), pytest.raises(TimeoutException):
        run(job)
    job.refresh_from_db()
    assert (job.status, job.error_code, job.attempts) == (JobStatus.RETRY_WAIT, "timeout", 1)


def test_a_job_that_exits_its_process_is_put_back_with_its_start_counted(account: Account) -> None:
    job = ActingJob.dispatch(account=account)
    with acting(handle=raising(SystemExit(3))), pytest.raises(SystemExit):
        run(job)
    job.refresh_from_db()
    assert (job.status, job.deliveries, job.enqueued_at) == (JobStatus.RUNNING, 1, None)
    with acting():
        assert run(job) == "succeed"


def test_an_unknown_class_fails_with_advice(account: Account) -> None:
    job = ActingJob.dispatch(account=account)
    Job.objects.filter(pk=job.pk).update(name="tests.removed")
    assert run(job) == "fail"
    job.refresh_from_db()
    assert (job.status, job.error_code) == (JobStatus.FAILED, "unknown_job")
    assert "Deploy" in job.tries.get().actionable_message
    with pytest.raises(UnknownJob, match=r"known: .*tests\.acting"):
        job_class("tests.removed")


def test_an_inactive_account_works_no_more(account: Account) -> None:
    job = ActingJob.dispatch(account=account)
    Account.objects.filter(pk=account.pk).update(status=AccountStatus.EXPIRED)
    with acting() as called:
        assert run(job) == "cancel"
    assert called == ["on_cancelled"]
    job.refresh_from_db()
    assert (job.status, job.error_code) == (JobStatus.CANCELLED, "account_inactive")
    assert job.error_message == "its account is not active"


def test_a_retry_goes_back_to_the_start_of_the_counters(account: Account) -> None:
    job = ActingJob.dispatch(account=account)
    with acting(handle=raising(ConnectionFailed())):
        run(job)
    Job.objects.filter(pk=job.pk).update(run_at=timezone.now())
    with acting():
        assert run(job) == "succeed"
    job.refresh_from_db()
    assert (job.attempts, job.error_code, job.error_message) == (1, "", "")
    assert list(job.tries.values_list("number", "outcome")) == [
        (1, AttemptOutcome.FAILED),
        (2, AttemptOutcome.SUCCEEDED),
    ]
