"""Who gets a job, and when."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from accounts.models import Account
from integrations.jobs.claim import Claim, claim
from integrations.jobs.leases import park_poison
from integrations.jobs.process import owner_id
from integrations.models import Integration
from synclogs.models import AttemptOutcome, Job, JobAttempt, JobStatus, SyncLog, SyncStatus
from tests.integrations.jobs.conftest import Clock, run
from tests.integrations.jobs.testjobs import ActingJob, ActingSync, acting

pytestmark = pytest.mark.django_db


def lapse(job: Job) -> None:
    """Let the lease of a running job be over."""
    Job.objects.filter(pk=job.pk).update(lease_until=timezone.now() - timedelta(seconds=1))


def test_a_claim_says_who_holds_the_job_and_until_when(account: Account) -> None:
    job = ActingJob.dispatch(account=account)
    held = claim(job.pk, task_id="q-task")
    assert held is not None
    job.refresh_from_db()
    assert (job.status, job.deliveries, job.owner) == (JobStatus.RUNNING, 1, owner_id())
    assert job.lease_token == held.token != ""
    assert job.lease_until is not None
    assert 0 < (job.lease_until - timezone.now()).total_seconds() < 5
    attempt = job.tries.get()
    assert (attempt.number, attempt.outcome, attempt.worker) == (1, AttemptOutcome.RUNNING, owner_id())
    assert attempt.django_q_task_id == "q-task"


def test_a_second_delivery_does_nothing(account: Account) -> None:
    job = ActingJob.dispatch(account=account)
    with acting(handle=lambda work: run(work.job)) as called:
        assert run(job) == "succeed"
    assert called == ["handle", "on_succeeded"]
    assert run(job) == "not claimed"
    assert JobAttempt.objects.count() == 1


def test_a_job_is_not_started_before_its_time(account: Account, clock: Clock) -> None:
    job = ActingJob.dispatch(account=account, run_at=clock.now + timedelta(seconds=60))
    assert claim(job.pk) is None
    clock.advance(59.9)
    assert claim(job.pk) is None
    clock.advance(0.1)
    assert claim(job.pk) is not None


def test_a_delivery_that_came_too_early_is_repeated(account: Account, clock: Clock) -> None:
    job = ActingJob.dispatch(account=account, run_at=clock.now + timedelta(seconds=1))
    Job.objects.filter(pk=job.pk).update(enqueued_at=clock.now)
    assert run(job) == "not claimed"
    job.refresh_from_db()
    assert job.enqueued_at is None


def test_a_lapsed_lease_is_claimed_again_under_a_new_token(
    account: Account, claim_of: Callable[[Job], Claim]
) -> None:
    job = ActingJob.dispatch(account=account)
    first = claim_of(job)
    assert claim(job.pk) is None
    lapse(job)
    second = claim_of(job)
    assert second.token != first.token
    assert [(a.number, a.outcome) for a in job.tries.all()] == [
        (1, AttemptOutcome.LOST),
        (2, AttemptOutcome.RUNNING),
    ]
    job.refresh_from_db()
    assert (job.deliveries, job.attempts) == (2, 0)


def test_poison_is_parked_after_five_starts_and_not_started_a_sixth_time(
    account: Account, connection_of: Integration, claim_of: Callable[[Job], Claim]
) -> None:
    job = ActingSync.dispatch(account=account, integration=connection_of)
    for start in range(5):
        held = claim_of(job)
        if start == 0:
            ActingSync(held, None).open_run()  # type: ignore[arg-type]
        assert park_poison() == 0
        lapse(job)
    assert claim(job.pk) is None
    assert park_poison() == 1
    job.refresh_from_db()
    assert (job.status, job.error_code, job.deliveries, job.attempts) == (JobStatus.FAILED, "poison", 5, 0)
    assert "5 times" in job.error_message
    assert list(job.tries.values_list("outcome", flat=True)) == [AttemptOutcome.LOST] * 5
    last = job.tries.last()
    assert last is not None
    assert last.rule.startswith("poison")
    run_row = SyncLog.objects.get()
    assert (run_row.sync_status, run_row.error_code, run_row.lock_key) == (SyncStatus.FAILED, "poison", None)
    connection_of.refresh_from_db()
    assert connection_of.last_error_code == "poison"


@pytest.mark.usefixtures("committed")
def test_of_many_claims_at_once_exactly_one_wins(account: Account) -> None:
    job = ActingJob.dispatch(account=account)
    start, won = threading.Barrier(6), []

    def compete() -> None:
        try:
            start.wait()
            if claim(job.pk) is not None:
                won.append(threading.get_ident())
        finally:
            connection.close()

    threads = [threading.Thread(target=compete) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(won) == 1
    job.refresh_from_db()
    assert (job.deliveries, job.tries.count()) == (1, 1)


def test_a_claim_costs_few_queries(account: Account, django_assert_num_queries: Callable[..., Any]) -> None:
    job = ActingJob.dispatch(account=account)
    with django_assert_num_queries(7):  # savepoint pair, run, claim, job, last attempt, attempt
        claim(job.pk)
