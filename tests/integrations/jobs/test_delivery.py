"""The dispatcher: each due job is delivered once, and again when the broker lost it."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from accounts.models import Account
from integrations.jobs import stopping
from integrations.jobs.delivery import REDELIVERY_GRACE, enqueue_due, redeliver_lost
from integrations.jobs.dispatch import build_job
from synclogs.models import Job, JobStatus
from tests.integrations.jobs import broker
from tests.integrations.jobs.conftest import run
from tests.integrations.jobs.testjobs import ActingJob

pytestmark = pytest.mark.usefixtures("committed")


@pytest.fixture(autouse=True)
def _empty_broker(committed: None) -> None:
    broker.empty()


def undelivered(account: Account, count: int) -> list[Job]:
    """Due jobs that no broker has heard of."""
    jobs = [build_job(ActingJob, account, None, {"n": n}) for n in range(count)]
    return Job.objects.bulk_create(jobs)


def test_a_due_job_is_delivered_once(account: Account) -> None:
    jobs = undelivered(account, 3)
    assert enqueue_due() == 3
    assert enqueue_due() == 0
    assert sorted(broker.arguments()) == sorted((str(job.pk),) for job in jobs)


def test_supervisors_side_by_side_deliver_each_job_once(account: Account) -> None:
    undelivered(account, 40)
    start, delivered = threading.Barrier(3), []

    def supervise() -> None:
        try:
            start.wait()
            for _ in range(3):
                delivered.append(enqueue_due())
        finally:
            connection.close()

    threads = [threading.Thread(target=supervise) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(delivered) == 40
    assert len(set(broker.arguments())) == len(broker.arguments()) == 40


def test_a_lapsed_lease_is_delivered_again_once(account: Account) -> None:
    (job,) = undelivered(account, 1)
    enqueue_due()
    broker.empty()
    Job.objects.update(
        status=JobStatus.RUNNING, lease_until=timezone.now() + timedelta(seconds=30), deliveries=1
    )
    assert enqueue_due() == 0
    Job.objects.update(
        lease_until=timezone.now() - timedelta(seconds=1), enqueued_at=timezone.now() - timedelta(minutes=1)
    )
    assert enqueue_due() == 1
    assert enqueue_due() == 0
    assert broker.arguments() == [(str(job.pk),)]


def test_poison_is_not_delivered(account: Account) -> None:
    undelivered(account, 1)
    Job.objects.update(
        status=JobStatus.RUNNING, lease_until=timezone.now() - timedelta(seconds=1), deliveries=5
    )
    assert enqueue_due() == 0


def test_what_the_broker_lost_is_delivered_again(account: Account) -> None:
    jobs = undelivered(account, 2)
    enqueue_due()
    assert redeliver_lost() == 0
    broker.empty()
    assert redeliver_lost() == 0  # it may be on its way
    Job.objects.update(enqueued_at=timezone.now() - REDELIVERY_GRACE - timedelta(seconds=1))
    assert redeliver_lost() == 2
    assert sorted(broker.arguments()) == sorted((str(job.pk),) for job in jobs)


def test_a_backlog_is_not_delivered_again(account: Account) -> None:
    long_ago = timezone.now() - timedelta(hours=1)
    undelivered(account, 20)
    enqueue_due()
    Job.objects.update(enqueued_at=timezone.now())
    stale = Job.objects.order_by("run_at")
    assert len(broker.messages()) == 20
    # Enqueued as long ago as the messages that still wait.
    Job.objects.filter(pk__in=[job.pk for job in stale]).update(run_at=long_ago)
    assert redeliver_lost() == 0
    assert len(broker.messages()) == 20


def test_a_trickle_of_new_work_does_not_hide_what_was_lost(account: Account) -> None:
    (lost,) = undelivered(account, 1)
    enqueue_due()
    broker.empty()
    Job.objects.update(enqueued_at=timezone.now() - timedelta(minutes=1))
    newer = ActingJob.dispatch(account=account, args={"n": "newer"})
    assert redeliver_lost() == 1
    assert set(broker.arguments()) == {(str(newer.pk),), (str(lost.pk),)}


def test_a_stopping_cluster_hands_its_deliveries_back(
    account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = ActingJob.dispatch(account=account)
    monkeypatch.setattr(stopping, "is_requested", lambda: True)
    assert run(job) == "not claimed"
    job.refresh_from_db()
    assert (job.status, job.deliveries, job.enqueued_at) == (JobStatus.QUEUED, 0, None)
