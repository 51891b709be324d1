"""Short classes: several due jobs claimed a delivery, each with its own lease, record and end."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from django.db import connection
from django.utils import timezone

from accounts.models import Account
from integrations.http.errors import ServerError
from integrations.jobs import runner, short, stopping
from integrations.jobs.delivery import enqueue_due
from integrations.jobs.dispatch import build_job
from integrations.jobs.lease import LeaseKeeper
from integrations.jobs.process import owner_id
from integrations.jobs.qcluster import TimeoutException
from integrations.jobs.release import release_owners
from integrations.jobs.short import claim_due, run_short_jobs
from synclogs.models import AttemptOutcome, Job, JobAttempt, JobQueue, JobStatus
from tests.integrations.jobs import broker
from tests.integrations.jobs.conftest import run
from tests.integrations.jobs.testjobs import ShortActingJob, acting

pytestmark = pytest.mark.django_db

NAME, QUEUE = ShortActingJob.name, ShortActingJob.queue.value


def waiting(account: Account, count: int) -> list[Job]:
    """Due jobs of a short class, oldest first."""
    jobs = [build_job(ShortActingJob, account, None, {"n": n}) for n in range(count)]
    for age, job in enumerate(jobs):
        job.run_at = timezone.now() - timedelta(seconds=count - age)
    return Job.objects.bulk_create(jobs)


@pytest.fixture
def _committing_broker(monkeypatch: pytest.MonkeyPatch) -> None:
    """Messages leave at once: the test's own transaction never commits."""
    monkeypatch.setattr("integrations.jobs.delivery.transaction.on_commit", lambda send, **kwargs: send())
    broker.empty()


def test_one_delivery_runs_the_twenty_that_waited_longest(account: Account) -> None:
    jobs = waiting(account, 23)
    ran: list[int] = []
    with acting(handle=lambda work: ran.append(work.args["n"])):
        assert run_short_jobs(NAME, QUEUE) == 20
        assert ran == list(range(20))
        assert run_short_jobs(NAME, QUEUE) == 3
        assert run_short_jobs(NAME, QUEUE) == 0
    assert set(Job.objects.values_list("status", flat=True)) == {JobStatus.SUCCEEDED}
    attempts = JobAttempt.objects.filter(job__in=jobs)
    assert attempts.count() == 23
    assert set(attempts.values_list("number", "outcome")) == {(1, AttemptOutcome.SUCCEEDED)}


def test_only_due_jobs_of_its_class_and_queue_are_taken(account: Account) -> None:
    jobs = waiting(account, 4)
    Job.objects.filter(pk=jobs[0].pk).update(run_at=timezone.now() + timedelta(seconds=60))
    Job.objects.filter(pk=jobs[1].pk).update(queue=JobQueue.WEBHOOK)
    Job.objects.filter(pk=jobs[2].pk).update(status=JobStatus.RUNNING, lease_until=timezone.now())
    assert [held.job.pk for held in claim_due(NAME, QUEUE)] == [jobs[3].pk]


def test_each_job_ends_by_itself(account: Account) -> None:
    jobs = waiting(account, 3)

    def fail_the_second(work: Any) -> None:
        if work.args["n"] == 1:
            raise ServerError(status=503)

    with acting(handle=fail_the_second):
        assert run_short_jobs(NAME, QUEUE) == 3
    for job in jobs:
        job.refresh_from_db()
    assert [job.status for job in jobs] == ["succeeded", "failed", "succeeded"]
    assert [job.tries.get().error_code for job in jobs] == ["", "server_error", ""]


def test_an_attempt_starts_when_its_work_starts(account: Account) -> None:
    waiting(account, 2)
    with acting(handle=lambda work: __import__("time").sleep(0.05)):
        run_short_jobs(NAME, QUEUE)
    first, second = JobAttempt.objects.order_by("started_at")
    assert first.finished_at is not None
    assert second.started_at >= first.finished_at
    assert second.job.duration_ms is not None
    assert second.job.duration_ms < 100


@pytest.mark.usefixtures("committed")
def test_workers_side_by_side_claim_different_jobs(account: Account) -> None:
    waiting(account, 150)
    claimed: list[UUID] = []
    start = threading.Barrier(3)

    def claim_some() -> None:
        try:
            start.wait()
            claimed.extend(held.job.pk for _ in range(3) for held in claim_due(NAME, QUEUE))
        finally:
            connection.close()

    threads = [threading.Thread(target=claim_some) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(claimed) == len(set(claimed)) == 150


def test_of_a_process_that_dies_each_unwritten_job_is_suspected_once(account: Account) -> None:
    jobs = waiting(account, 4)
    claims = claim_due(NAME, QUEUE)
    with acting(), LeaseKeeper(*claims) as keeper:
        runner.execute(claims[0], keeper)  # the process dies in the next
    assert release_owners({owner_id()}, refund=False) == 3
    done, *suspects = (Job.objects.get(pk=job.pk) for job in jobs)
    assert done.status == JobStatus.SUCCEEDED
    assert [(job.status, job.deliveries, job.tries.count()) for job in suspects] == [("running", 1, 1)] * 3


def test_a_process_that_we_kill_is_held_against_none_of_its_jobs(account: Account) -> None:
    waiting(account, 3)
    claim_due(NAME, QUEUE)
    assert release_owners({owner_id()}, refund=True) == 3
    assert set(Job.objects.values_list("deliveries", flat=True)) == {0}


def test_good_ends_are_written_together(
    account: Account, django_assert_num_queries: Callable[..., Any]
) -> None:
    commit_mode = 2 if connection.vendor == "postgresql" else 0
    for count in (2, 9):
        jobs = waiting(account, count)
        # the claim, and savepoint pair, jobs, attempts
        with acting(), django_assert_num_queries(commit_mode + 6 + 4):
            assert run_short_jobs(NAME, QUEUE) == count
        assert not Job.objects.filter(pk__in=[job.pk for job in jobs]).exclude(status="succeeded").exists()
        Job.objects.all().delete()


def test_an_end_waits_only_briefly_for_the_others(account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(short, "LONGEST_WAIT", timedelta(0))
    waiting(account, 3)
    seen: list[int] = []
    with acting(handle=lambda work: seen.append(Job.objects.filter(status="succeeded").count())):
        run_short_jobs(NAME, QUEUE)
    assert seen == [0, 1, 2]


def test_a_lease_lost_in_a_batch_costs_only_its_own_job_the_end(account: Account) -> None:
    jobs = waiting(account, 3)

    def lose_the_second(work: Any) -> None:
        if work.args["n"] == 2:
            Job.objects.filter(pk=jobs[1].pk).update(lease_token="another")

    with acting(handle=lose_the_second):
        run_short_jobs(NAME, QUEUE)
    states = [Job.objects.get(pk=job.pk) for job in jobs]
    assert [job.status for job in states] == ["succeeded", "running", "succeeded"]
    assert states[1].lease_token == "another"


def test_an_end_hook_that_fails_in_a_batch_fails_its_own_job(account: Account) -> None:
    jobs = waiting(account, 3)

    def fail_the_second(work: Any) -> None:
        if work.args["n"] == 1:
            raise ValueError("the hook fails")

    with acting(on_succeeded=fail_the_second):
        run_short_jobs(NAME, QUEUE)
    states = [Job.objects.get(pk=job.pk) for job in jobs]
    assert [job.status for job in states] == ["succeeded", "failed", "succeeded"]


@pytest.mark.usefixtures("_committing_broker")
def test_jobs_whose_process_died_are_delivered_alone(account: Account) -> None:
    jobs = waiting(account, 2)
    claim_due(NAME, QUEUE)
    broker.empty()
    release_owners({owner_id()}, refund=False)
    assert enqueue_due() == 2
    assert sorted(broker.arguments()) == sorted((str(job.pk),) for job in jobs)
    with acting() as called:
        assert run_short_jobs(NAME, QUEUE) == 0
        assert {run(job) for job in jobs} == {"succeed"}
    assert called.count("handle") == 2


def test_neighbors_of_a_poison_job_are_not_parked_with_it(account: Account) -> None:
    jobs = waiting(account, 6)
    poison = jobs[2].pk
    claim_due(NAME, QUEUE)  # the process dies at the third, before any end was written
    for _ in range(6):
        release_owners({owner_id()}, refund=False)
        Job.objects.filter(status="running").update(lease_until=timezone.now() - timedelta(seconds=1))
        assert claim_due(NAME, QUEUE) == []
        with acting():
            for job in jobs:
                if job.pk != poison:
                    runner.run_job(str(job.pk))
        runner.claim(poison)
    assert Job.objects.get(pk=poison).deliveries == 5
    others = Job.objects.exclude(pk=poison)
    assert set(others.values_list("status", "deliveries")) == {(JobStatus.SUCCEEDED, 0)}


def test_what_a_timeout_left_unstarted_waits_again(account: Account) -> None:
    jobs = waiting(account, 3)

    def take_too_long(work: Any) -> None:
        raise TimeoutException("too long")

    real_close = runner.connection.close
    runner.connection.close = lambda: None  # type: ignore[method-assign]
    try:
        with acting(handle=take_too_long), pytest.raises(TimeoutException):
            run_short_jobs(NAME, QUEUE)
    finally:
        runner.connection.close = real_close  # type: ignore[method-assign]
    states = [Job.objects.get(pk=job.pk) for job in jobs]
    assert [(job.status, job.deliveries) for job in states] == [("failed", 0), ("queued", 0), ("queued", 0)]
    assert JobAttempt.objects.count() == 1


@pytest.mark.parametrize("why", ["stopping", "overdue"])
def test_a_worker_that_must_not_go_on_puts_the_rest_back(
    account: Account, monkeypatch: pytest.MonkeyPatch, why: str
) -> None:
    jobs = waiting(account, 3)

    def stop(work: Any) -> None:
        if why == "stopping":
            monkeypatch.setattr(stopping, "is_requested", lambda: True)
        else:
            monkeypatch.setattr(LeaseKeeper, "is_overdue", lambda keeper: True)

    with acting(handle=stop):
        assert run_short_jobs(NAME, QUEUE) == 1
    assert [Job.objects.get(pk=job.pk).status for job in jobs] == ["succeeded", "queued", "queued"]


def test_putting_back_does_not_touch_what_another_process_claimed(account: Account) -> None:
    waiting(account, 1)
    (held,) = claim_due(NAME, QUEUE)
    Job.objects.update(lease_token="another")
    short.put_back([held.job])
    job = Job.objects.get()
    assert (job.status, job.lease_token, job.tries.count()) == (JobStatus.RUNNING, "another", 1)


@pytest.mark.usefixtures("_committing_broker")
def test_a_backlog_needs_few_messages(account: Account) -> None:
    for n in range(45):
        ShortActingJob.dispatch(account=account, args={"n": n})
    assert broker.arguments() == [(NAME, QUEUE)] * 20
    assert Job.objects.filter(enqueued_at__isnull=True).count() == 25
    with acting():
        run_short_jobs(NAME, QUEUE)
    assert len(broker.messages()) == 21  # a full batch wakes the next


@pytest.mark.usefixtures("_committing_broker")
def test_the_dispatcher_wakes_as_many_as_are_needed(account: Account) -> None:
    waiting(account, 45)
    assert enqueue_due() == 45
    assert broker.arguments() == [(NAME, QUEUE)] * 3


def test_a_claim_of_ten_costs_as_many_queries_as_a_claim_of_two(
    account: Account, django_assert_num_queries: Callable[..., Any]
) -> None:
    for count in (2, 9):
        waiting(account, count)
        with django_assert_num_queries(6):  # savepoint pair, jobs by status, claim, attempts
            assert len(claim_due(NAME, QUEUE)) == count
        Job.objects.all().delete()


@pytest.mark.usefixtures("_committing_broker")
def test_the_dispatcher_does_not_wake_workers_that_wake_each_other(account: Account) -> None:
    waiting(account, 22)
    claim_due(NAME, QUEUE)
    broker.empty()
    assert enqueue_due() == 0
    JobAttempt.objects.update(started_at=timezone.now() - timedelta(seconds=10))
    assert enqueue_due() == 2
