"""Leases: renewed while the work goes on, and a fence once they are lost."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import DatabaseError
from django.db import connection as db
from django.utils import timezone

from accounts.models import Account
from integrations.jobs.claim import Claim, claim
from integrations.jobs.lease import LeaseKeeper
from integrations.jobs.operations import cancel_job
from integrations.jobs.outcomes import JobCancelled, LeaseLost, Next
from integrations.jobs.runner import execute
from integrations.jobs.sync_job import BaseSyncJob
from integrations.models import Integration
from synclogs.counts import Counts
from synclogs.models import Job, JobStatus, RunFenced, SyncLog, SyncStatus
from tests.integrations.jobs.testjobs import ActingJob, ActingSync, acting

pytestmark = pytest.mark.usefixtures("committed")


def eventually(true: Callable[[], bool], seconds: float = 5.0) -> bool:
    """Whether something becomes true in time."""
    deadline = time.monotonic() + seconds
    while not true():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


@pytest.fixture
def held(account: Account, short_lease: float, claim_of: Callable[[Job], Claim]) -> Claim:
    """A job claimed under a lease that lapses soon."""
    return claim_of(ActingJob.dispatch(account=account))


def test_a_lease_is_renewed_for_as_long_as_the_work_goes_on(held: Claim, short_lease: float) -> None:
    with LeaseKeeper(held) as keeper:
        time.sleep(2.5 * short_lease)
        assert claim(held.job.pk) is None
        keeper.check(held.job.pk)
    assert eventually(lambda: claim(held.job.pk) is not None, 2 * short_lease + 1)


def test_a_short_job_opens_no_connection_for_its_lease(held: Claim, monkeypatch: pytest.MonkeyPatch) -> None:
    renewed: list[bool] = []
    monkeypatch.setattr(LeaseKeeper, "_renew", lambda self: renewed.append(True))
    with LeaseKeeper(held):
        pass
    assert renewed == []


def test_a_lost_lease_stops_the_work_at_its_next_check(held: Claim) -> None:
    with LeaseKeeper(held) as keeper:
        Job.objects.filter(pk=held.job.pk).update(lease_token="somebody else")

        def is_lost() -> bool:
            try:
                keeper.check(held.job.pk)
            except LeaseLost:
                return True
            return False

        assert eventually(is_lost)


def test_a_wish_to_cancel_is_noticed(held: Claim) -> None:
    with LeaseKeeper(held) as keeper:
        assert cancel_job(held.job) is False
        assert eventually(lambda: keeper.is_cancelled(held.job.pk))
        with pytest.raises(JobCancelled):
            keeper.check(held.job.pk)


def test_a_renewal_that_fails_is_tried_again(held: Claim, monkeypatch: pytest.MonkeyPatch) -> None:
    renew, failures = LeaseKeeper._renew, [DatabaseError("locked"), DatabaseError("locked")]

    def fail_first(self: LeaseKeeper) -> bool:
        if failures:
            raise failures.pop()
        return renew(self)

    monkeypatch.setattr(LeaseKeeper, "_renew", fail_first)
    Job.objects.filter(pk=held.job.pk).update(lease_until=None)
    with LeaseKeeper(held):
        assert eventually(lambda: Job.objects.filter(lease_until__isnull=False).exists())


def test_a_process_that_slept_past_its_lease_knows_it(held: Claim, short_lease: float) -> None:
    keeper = LeaseKeeper(held)
    assert not keeper.is_overdue()
    time.sleep(short_lease + 0.05)
    assert keeper.is_overdue()


def test_a_lost_lease_fences_counts_and_end_of_the_run(
    account: Account, connection_of: Integration, claim_of: Callable[[Job], Claim]
) -> None:
    job = ActingSync.dispatch(account=account, integration=connection_of)
    old = claim_of(job)

    def lose_it_in_the_middle(work: BaseSyncJob) -> None:
        work.run.add_batch(Counts(created=2))
        Job.objects.filter(pk=job.pk).update(lease_until=timezone.now() - timedelta(seconds=1))
        newer = claim(job.pk)
        assert newer is not None
        assert newer.run is not None
        newer.run.add_batch(Counts(created=5))
        with pytest.raises(RunFenced):
            work.run.add_batch(Counts(created=100))
        work.run.complete()

    with acting(sync=lose_it_in_the_middle), LeaseKeeper(old) as keeper:
        assert execute(old, keeper).next is Next.LOST
    run = SyncLog.objects.get()
    assert (run.sync_status, run.records_created, run.records_processed) == (SyncStatus.STARTED, 7, 7)
    job.refresh_from_db()
    assert job.status == JobStatus.RUNNING
    db.close()
