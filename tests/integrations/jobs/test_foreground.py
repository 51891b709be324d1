"""A command that runs a job itself."""

from __future__ import annotations

from typing import Any

import pytest

from accounts.models import Account
from integrations.http.errors import ServerError
from integrations.http.patience import current_patience
from integrations.jobs.foreground import run_in_foreground
from integrations.jobs.outcomes import Decision, Next
from integrations.models import Integration
from synclogs.counts import Counts
from synclogs.models import (
    AttemptOutcome,
    Job,
    JobAttempt,
    JobStatus,
    SyncAlreadyRunning,
    SyncLog,
    SyncStatus,
)
from synclogs.progress import SilentReporter
from tests.integrations.jobs.conftest import Clock, run
from tests.integrations.jobs.testjobs import ActingJob, ActingSync, acting

pytestmark = pytest.mark.django_db


def now(connection: Integration, **args: Any) -> tuple[Job, Decision]:
    """Run a sync in this process."""
    return run_in_foreground(
        ActingSync, account=connection.account, integration=connection, args=args, reporter=SilentReporter()
    )


def test_it_runs_under_a_job_of_its_own(connection_of: Integration) -> None:
    with acting(sync=lambda work: work.run.add_batch(Counts(created=1))):
        job, decision = now(connection_of)
    assert decision.next is Next.SUCCEED
    assert (job.status, job.deliveries) == (JobStatus.SUCCEEDED, 0)
    assert SyncLog.objects.get().records_created == 1
    assert job.tries.get().outcome == AttemptOutcome.SUCCEEDED


def test_a_waiting_job_of_the_same_work_is_taken(connection_of: Integration) -> None:
    waiting = ActingSync.dispatch(account=connection_of.account, integration=connection_of)
    with acting():
        job, _ = now(connection_of)
    assert job == waiting
    assert run(waiting) == "not claimed"
    assert Job.objects.count() == 1


def test_a_job_that_waits_for_its_retry_is_left_alone(connection_of: Integration, clock: Clock) -> None:
    waiting = ActingSync.dispatch(account=connection_of.account, integration=connection_of)

    def refuse(work: Any) -> None:
        raise ServerError(status=503)

    with acting(sync=refuse):
        run(waiting)
    with pytest.raises(SyncAlreadyRunning):
        now(connection_of)
    clock.advance(60)
    with acting():
        assert now(connection_of)[0] == waiting


def test_a_held_lock_leaves_no_row_behind(connection_of: Integration) -> None:
    other = ActingSync.dispatch(
        account=connection_of.account, integration=connection_of, args={"statuses": ["B"]}
    )

    def meanwhile(work: ActingSync) -> None:
        with pytest.raises(SyncAlreadyRunning) as locked:
            now(connection_of, statuses=["A"])
        assert locked.value.running == work.run
        with pytest.raises(SyncAlreadyRunning):
            now(connection_of, statuses=["B"])

    with acting(sync=meanwhile):
        assert run(other) == "succeed"
    assert (Job.objects.count(), SyncLog.objects.count(), JobAttempt.objects.count()) == (1, 1, 1)


def test_an_interrupted_run_is_cancelled_and_keeps_its_counts(connection_of: Integration) -> None:
    def interrupt(work: ActingSync) -> None:
        work.run.add_batch(Counts(created=3))
        raise KeyboardInterrupt

    with acting(sync=interrupt), pytest.raises(KeyboardInterrupt):
        now(connection_of)
    run_row, job = SyncLog.objects.get(), Job.objects.get()
    assert (run_row.sync_status, run_row.records_created) == (SyncStatus.CANCELLED, 3)
    assert (job.status, job.error_code) == (JobStatus.CANCELLED, "interrupted")


@pytest.mark.usefixtures("committed")
def test_it_may_not_take_longer_than_its_class_allows(
    account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ActingJob, "timeout", 1)
    with acting(handle=lambda work: __import__("time").sleep(10)):
        job, decision = run_in_foreground(
            ActingJob, account=account, integration=None, args={}, reporter=SilentReporter()
        )
    assert (decision.next, job.error_code) == (Next.RETRY, "timeout")


def test_its_calls_wait_in_place_for_as_long_as_the_job_may_take(connection_of: Integration) -> None:
    seen: list[float] = []
    with acting(sync=lambda work: seen.append(current_patience())):
        now(connection_of)
        run(ActingSync.dispatch(account=connection_of.account, integration=connection_of))
    assert seen == [ActingSync.timeout, 0.0]
