"""What operators do to jobs and runs."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from accounts.models import Account
from integrations.http.errors import ServerError, Unauthorized
from integrations.jobs.operations import NotPossible, cancel_job, retry_job, retry_run
from integrations.jobs.registry import UnknownJob
from integrations.models import Integration
from synclogs.counts import Counts
from synclogs.models import AttemptOutcome, Job, JobQueue, JobStatus, SyncLog, SyncStatus, SyncTrigger
from tests.factories import UserFactory
from tests.integrations.jobs.conftest import run
from tests.integrations.jobs.testjobs import ActingSync, acting

pytestmark = pytest.mark.django_db


@pytest.fixture
def job(account: Account, connection_of: Integration) -> Job:
    """A sync that waits for a worker."""
    return ActingSync.dispatch(account=account, integration=connection_of, args={"statuses": ["A"]})


def fail(work: Any) -> None:
    raise Unauthorized(status=401)


def postpone(work: ActingSync) -> None:
    work.run.add_batch(Counts(created=2))
    raise ServerError(status=503)


def test_a_failed_job_is_queued_again_as_a_new_one(job: Job) -> None:
    user = UserFactory()
    with acting(sync=fail):
        run(job)
    job.refresh_from_db()
    again = retry_job(job, user)
    assert again != job
    assert (again.retry_of, again.attempts, again.queue) == (job, 0, JobQueue.HIGH_PRIORITY)
    with acting():
        assert run(again) == "succeed"
    new = SyncLog.objects.get(job=again)
    assert (new.sync_trigger, new.triggered_by) == (SyncTrigger.RETRY, user)
    assert new.retry_of == SyncLog.objects.get(job=job)
    assert new.context == {"statuses": ["A"]}


def test_open_and_succeeded_jobs_are_not_retried(job: Job) -> None:
    with pytest.raises(NotPossible, match="queued"):
        retry_job(job)
    with acting():
        run(job)
    job.refresh_from_db()
    with pytest.raises(NotPossible, match="succeeded"):
        retry_job(job)


def test_a_job_of_a_class_that_is_gone_is_not_retried(job: Job) -> None:
    Job.objects.update(status=JobStatus.FAILED, name="tests.removed")
    job.refresh_from_db()
    with pytest.raises(UnknownJob):
        retry_job(job)


def test_a_run_is_done_again_whatever_its_end_was(job: Job) -> None:
    def while_it_goes_on(work: ActingSync) -> None:
        with pytest.raises(NotPossible, match="still going on"):
            retry_run(SyncLog.objects.get())

    with acting(sync=while_it_goes_on):
        run(job)
    again = retry_run(SyncLog.objects.get())
    assert again.args["statuses"] == ["A"]
    assert again.retry_of == job


def test_a_waiting_job_is_cancelled_at_once(job: Job) -> None:
    assert cancel_job(job) is True
    job.refresh_from_db()
    assert (job.status, job.error_code, job.lease_token) == (JobStatus.CANCELLED, "cancelled", "")
    assert job.finished_at is not None
    with acting() as called:
        assert run(job) == "not claimed"
    assert called == []


def test_a_waiting_job_takes_its_open_run_along(job: Job) -> None:
    with acting(sync=postpone):
        assert run(job) == "retry"
    assert SyncLog.objects.get().lock_key is not None
    assert cancel_job(job) is True
    log = SyncLog.objects.get()
    assert (log.sync_status, log.records_created, log.lock_key) == (SyncStatus.CANCELLED, 2, None)
    job.refresh_from_db()
    assert job.status == JobStatus.CANCELLED
    assert list(job.tries.values_list("outcome", flat=True)) == [AttemptOutcome.FAILED]


def test_a_running_job_is_asked_to_stop_and_ended_by_its_worker(job: Job) -> None:
    def cancelled_meanwhile(work: ActingSync) -> None:
        work.run.add_batch(Counts(created=2))
        assert cancel_job(job) is False
        work._lease._renew()
        work.check()
        raise AssertionError("went on")

    with acting(sync=cancelled_meanwhile):
        assert run(job) == "cancel"
    log = SyncLog.objects.get()
    assert (log.sync_status, log.records_created, log.lock_key) == (SyncStatus.CANCELLED, 2, None)


def test_a_cancelled_job_is_not_put_back_for_a_retry(job: Job) -> None:
    def fail_after_cancel(work: ActingSync) -> None:
        cancel_job(job)
        work._lease._renew()
        raise ServerError(status=503)

    with acting(sync=fail_after_cancel):
        assert run(job) == "cancel"


def test_a_job_that_died_after_its_cancellation_is_not_started_again(job: Job) -> None:
    Job.objects.update(
        status=JobStatus.RUNNING,
        lease_until=timezone.now() - timedelta(seconds=1),
        cancel_requested_at=timezone.now(),
    )
    with acting() as called:
        assert run(job) == "cancel"
    assert "sync" not in called


def test_an_ended_job_is_not_cancelled(job: Job) -> None:
    with acting():
        run(job)
    with pytest.raises(NotPossible, match="succeeded"):
        cancel_job(job)
