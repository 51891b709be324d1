"""From a cause to a Job row and a message at the broker."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone
from django_q.models import OrmQ
from pytest_django.fixtures import Settings

from accounts.models import Account
from integrations.jobs import dispatch, qcluster
from integrations.jobs.delivery import deliver, enqueue_due
from integrations.models import Integration
from synclogs.models import Job, JobQueue, JobStatus
from tests.factories import UserFactory
from tests.integrations.jobs import broker
from tests.integrations.jobs.conftest import Clock, run
from tests.integrations.jobs.testjobs import ActingJob, ActingSync, acting

pytestmark = pytest.mark.usefixtures("committed")


@pytest.fixture(autouse=True)
def _empty_broker(committed: None) -> None:
    broker.empty()


def test_a_due_job_is_with_the_broker_when_the_cause_is_committed(account: Account) -> None:
    job = ActingJob.dispatch(account=account, args={"id": 7})
    assert broker.arguments() == [(str(job.pk),)]
    (message,) = broker.messages()
    assert (message["func"], message["timeout"]) == ("integrations.jobs.runner.run_job", 5)
    job.refresh_from_db()
    assert job.enqueued_at is not None
    assert (job.queue, job.status, job.args) == (JobQueue.FETCH, JobStatus.QUEUED, {"id": 7})


def test_no_commit_no_job_and_no_message(account: Account) -> None:
    with transaction.atomic():
        ActingJob.dispatch(account=account)
        transaction.set_rollback(True)
    assert not Job.objects.exists()
    assert broker.messages() == []


def test_a_later_job_is_not_delivered_yet(account: Account, clock: Clock) -> None:
    job = ActingJob.dispatch(account=account, run_at=clock.now + timedelta(seconds=30))
    assert broker.messages() == []
    assert enqueue_due() == 0
    clock.advance(30)
    assert enqueue_due() == 1
    assert broker.arguments() == [(str(job.pk),)]


def test_the_same_work_is_one_open_job_whoever_asks(account: Account, connection_of: Integration) -> None:
    first = ActingSync.dispatch(account=account, integration=connection_of, args={"statuses": ["A"]})
    user = UserFactory()
    again = ActingSync.dispatch(
        account=account,
        integration=connection_of,
        args={"statuses": ["A"], "trigger": "scheduled"},
        triggered_by=user,
    )
    other = ActingSync.dispatch(account=account, integration=connection_of, args={"statuses": ["B"]})
    assert again == first
    assert other != first
    assert len(broker.messages()) == 2
    with acting():
        run(first)
    assert ActingSync.dispatch(account=account, integration=connection_of, args={"statuses": ["A"]}) != first


def test_two_open_jobs_of_the_same_work_are_refused_by_the_database(account: Account) -> None:
    job = ActingJob.dispatch(account=account)
    twin = dispatch.build_job(ActingJob, account, None, {})
    assert twin.unique_key == job.unique_key
    with pytest.raises(IntegrityError):
        twin.save(force_insert=True)


def test_a_schedule_slot_has_one_job_for_ever(account: Account) -> None:
    slot = "nightly 2026-03-08T04:30"
    first = ActingJob.dispatch(account=account, args={"n": 1}, schedule_slot=slot)
    with acting():
        run(first)
    again = ActingJob.dispatch(account=account, args={"n": 2}, schedule_slot=slot)
    assert again == first
    assert Job.objects.count() == 1


def test_a_broker_that_is_down_loses_nothing(
    account: Account, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[qcluster.Message] = []

    def refuse(message: qcluster.Message) -> None:
        sent.append(message)
        raise ConnectionError("refused")

    settings.QUEUE_BROKER = "redis"
    with monkeypatch.context() as broken:
        broken.setattr(qcluster, "send", refuse)
        jobs = [ActingJob.dispatch(account=account, args={"n": n}) for n in range(2)]
        assert len(sent) == 2
        with transaction.atomic():
            deliver(jobs)
        assert len(sent) == 3  # one refusal is enough: each costs seconds when a broker hangs
    assert Job.objects.filter(status=JobStatus.QUEUED, enqueued_at__isnull=True).count() == 2
    monkeypatch.setattr(qcluster, "send", sent.append)
    assert enqueue_due() == 2
    assert [message.args for message in sent[3:]] == [(str(job.pk),) for job in jobs]


def test_a_dispatch_costs_few_queries(
    account: Account,
    django_assert_max_num_queries: Callable[..., Any],
    settings: Settings,
) -> None:
    with django_assert_max_num_queries(4):  # transaction pair, job, message
        ActingJob.dispatch(account=account)


def test_priority_is_a_head_start_and_not_absolute(account: Account, settings: Settings) -> None:
    settings.QUEUE_BROKER = "orm"
    brokers = {queue: qcluster.PriorityBroker(queue) for queue in JobQueue.values}
    for queue in reversed(JobQueue.values):
        brokers[queue].enqueue(queue)
    order = list(OrmQ.objects.order_by("lock", "id").values_list("payload", flat=True))
    assert order == list(JobQueue.values)

    OrmQ.objects.filter(key=JobQueue.DEFAULT).update(lock=timezone.now() - timedelta(seconds=31))
    taken = [task for _ in range(7) for _, task in brokers["default"].dequeue() or []]
    assert taken == [JobQueue.DEFAULT, *JobQueue.values[:-1]]
    assert not OrmQ.objects.exists()


def test_low_priority_work_is_not_starved_by_a_stream_of_high(account: Account) -> None:
    default, webhook = qcluster.PriorityBroker("default"), qcluster.PriorityBroker("webhook")
    default.enqueue("old")
    OrmQ.objects.update(lock=timezone.now() - timedelta(seconds=30))
    taken = []
    for n in range(50):
        webhook.enqueue(f"new {n}")
        OrmQ.objects.filter(key="webhook").update(lock=timezone.now() - timedelta(seconds=30))
        taken += [task for _, task in webhook.dequeue() or []]
        if "old" in taken:
            break
    assert "old" in taken
    assert len(taken) <= 3
