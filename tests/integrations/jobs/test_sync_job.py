"""A run and its job: started once, adopted after a crash, ended together."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from accounts.models import Account, AccountStatus
from integrations.http.errors import ServerError, Unauthorized
from integrations.jobs.claim import Claim
from integrations.jobs.lease import LeaseKeeper
from integrations.jobs.outcomes import LeaseLost
from integrations.models import Integration, IntegrationStatus
from synclogs.counts import Counts
from synclogs.models import AttemptOutcome, Job, JobStatus, SyncLog, SyncPhase, SyncStatus
from tests.integrations.jobs.conftest import run
from tests.integrations.jobs.testjobs import ActingSync, acting

pytestmark = pytest.mark.django_db


@pytest.fixture
def job(account: Account, connection_of: Integration) -> Job:
    """A sync that waits for a worker."""
    return ActingSync.dispatch(account=account, integration=connection_of, args={"statuses": ["A"]})


def lapse(job: Job) -> None:
    """The process of this job is gone."""
    Job.objects.filter(pk=job.pk).update(lease_until=timezone.now() - timedelta(seconds=1))


def test_job_run_and_connection_end_together(job: Job, connection_of: Integration) -> None:
    Integration.objects.update(error_count=3, status=IntegrationStatus.NEEDS_ATTENTION)
    with acting(sync=lambda work: work.run.add_batch(Counts(created=1, unchanged=2))):
        assert run(job) == "succeed"
    log = SyncLog.objects.get()
    assert (log.sync_status, log.records_processed, log.lock_key) == (SyncStatus.COMPLETED, 3, None)
    assert log.context == {"statuses": ["A"]}
    job.refresh_from_db()
    assert (job.status, job.run_id) == (JobStatus.SUCCEEDED, log.pk)
    connection_of.refresh_from_db()
    assert (connection_of.status, connection_of.error_count) == (IntegrationStatus.ACTIVE, 0)
    assert connection_of.last_successful_update_at is not None


def test_a_killed_run_is_continued_and_not_blocked_by_its_own_lock(
    job: Job, claim_of: Callable[[Job], Claim]
) -> None:
    killed = ActingSync(claim_of(job), LeaseKeeper(Claim(job, "unused")))
    killed.open_run()
    killed.run.add_batch(Counts(created=4), checkpoint={"next": 1})
    lapse(job)
    seen: dict[str, Any] = {}

    def go_on(work: ActingSync) -> None:
        seen.update(resumed=work.resumed, checkpoint=work.run.checkpoint)
        work.run.add_batch(Counts(created=3))

    with acting(sync=go_on):
        assert run(job) == "succeed"
    assert seen == {"resumed": True, "checkpoint": {"next": 1}}
    log = SyncLog.objects.get()
    assert (log.sync_status, log.records_created, log.lock_key) == (SyncStatus.COMPLETED, 7, None)
    attempts = list(job.tries.values_list("number", "outcome"))
    assert attempts == [(1, AttemptOutcome.LOST), (2, AttemptOutcome.SUCCEEDED)]
    job.refresh_from_db()
    assert (job.attempts, job.deliveries) == (0, 0)


def test_a_run_waits_with_its_job_and_goes_on_under_the_same_lock(job: Job) -> None:
    with acting(sync=lambda work: (_ for _ in ()).throw(ServerError(status=503))):
        assert run(job) == "retry"
    log = SyncLog.objects.get()
    assert (log.sync_status, log.phase) == (SyncStatus.STARTED, SyncPhase.REQUESTED)
    assert log.lock_key is not None
    Job.objects.update(run_at=timezone.now())
    with acting():
        assert run(job) == "succeed"
    assert SyncLog.objects.get().sync_status == SyncStatus.COMPLETED


def test_a_job_that_meets_the_lock_of_another_postpones(
    job: Job, account: Account, connection_of: Integration
) -> None:
    other = ActingSync.dispatch(account=account, integration=connection_of, args={"statuses": ["B"]})

    def meanwhile(work: ActingSync) -> None:
        assert run(other) == "postpone"

    with acting(sync=meanwhile):
        assert run(job) == "succeed"
    other.refresh_from_db()
    assert (other.status, other.attempts) == (JobStatus.QUEUED, 0)
    assert "another run" in other.wait_reason
    assert SyncLog.objects.count() == 1


def test_a_process_that_lost_its_job_opens_no_run(job: Job, claim_of: Callable[[Job], Claim]) -> None:
    stopped = ActingSync(claim_of(job), LeaseKeeper(Claim(job, "unused")))
    lapse(job)
    claim_of(job)
    with pytest.raises(LeaseLost):
        stopped.open_run()
    assert not SyncLog.objects.exists()


def test_a_failed_run_keeps_its_counts_and_marks_the_connection(job: Job, connection_of: Integration) -> None:
    def fail_after_a_batch(work: ActingSync) -> None:
        work.run.add_batch(Counts(created=4))
        raise Unauthorized("the password was refused", status=401)

    with acting(sync=fail_after_a_batch):
        assert run(job) == "fail"
    log = SyncLog.objects.get()
    assert (log.sync_status, log.error_code, log.records_created) == (SyncStatus.FAILED, "unauthorized", 4)
    assert log.error_details["rule"] == "not retryable"
    connection_of.refresh_from_db()
    assert (connection_of.status, connection_of.error_count) == (IntegrationStatus.NEEDS_ATTENTION, 1)
    assert connection_of.last_error_code == "unauthorized"


def test_an_adopted_run_of_an_inactive_account_is_cancelled(
    job: Job, account: Account, claim_of: Callable[[Job], Claim]
) -> None:
    ActingSync(claim_of(job), LeaseKeeper(Claim(job, "unused"))).open_run()
    lapse(job)
    Account.objects.filter(pk=account.pk).update(status=AccountStatus.DEACTIVATED)
    assert run(job) == "cancel"
    assert SyncLog.objects.get().sync_status == SyncStatus.CANCELLED


def test_the_run_of_a_class_that_is_gone_ends_with_its_job(
    job: Job, claim_of: Callable[[Job], Claim]
) -> None:
    ActingSync(claim_of(job), LeaseKeeper(Claim(job, "unused"))).open_run()
    lapse(job)
    Job.objects.update(name="tests.removed")
    assert run(job) == "fail"
    log = SyncLog.objects.get()
    assert (log.sync_status, log.error_code, log.lock_key) == (SyncStatus.FAILED, "unknown_job", None)
