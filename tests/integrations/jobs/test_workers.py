"""A real `run_workers`: a time limit that interrupts, a stop that finishes what runs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings

from accounts.models import Account
from integrations.jobs.dispatch import build_job
from synclogs.models import AttemptOutcome, Job, JobStatus, WorkerHeartbeat
from tests.faults import effects
from tests.faults.installation import Installation, installation, wait_for
from tests.faults.jobs import ShortJob, ShortPoisonJob, SleepJob, SlowJob

pytestmark = [pytest.mark.usefixtures("committed"), pytest.mark.timeout(90)]


@pytest.fixture
def ours(committed: None, tmp_path: Path) -> Iterator[Installation]:
    """An installation on this test's database with its broker."""
    effects.create_table()
    with installation(settings.QUEUE_BROKER, tmp_path) as started:
        yield started
    effects.drop_table()


def test_limits_poison_and_stop_in_a_real_cluster(ours: Installation) -> None:
    account = Account.objects.platform()
    slow = build_job(SlowJob, account, None, {"key": "slow"})
    shorts = [build_job(ShortJob, account, None, {"key": f"short-{n}"}) for n in range(12)]
    keys = ["good-0", "good-1", "poison", "good-2", "good-3"]
    risky = [build_job(ShortPoisonJob, account, None, {"key": key}) for key in keys]
    Job.objects.bulk_create([slow, *shorts, *risky])
    workers = ours.start_workers()
    wait_for(lambda: not Job.objects.filter(finished_at__isnull=True).exists(), 60)

    # The time limit interrupted the job in its worker, twice: it is retried once.
    slow.refresh_from_db()
    assert (slow.status, slow.error_code, slow.attempts) == (JobStatus.FAILED, "timeout", 2)
    for attempt in slow.tries.exclude(outcome=AttemptOutcome.LOST):
        assert attempt.finished_at is not None
        assert 0.9 <= (attempt.finished_at - attempt.started_at).total_seconds() < 5
        assert attempt.error_class == "TimeoutException"
        assert attempt.django_q_task_id

    # Poison is parked after five starts; those that were claimed with it are not.
    poison = Job.objects.get(args__key="poison")
    assert (poison.status, poison.error_code, poison.deliveries) == (JobStatus.FAILED, "poison", 5)
    assert poison.tries.count() == 5
    good = Job.objects.exclude(pk__in=[poison.pk, slow.pk])
    assert set(good.values_list("status", flat=True)) == {JobStatus.SUCCEEDED}
    assert set(effects.counted().values()) == {1}
    assert len(effects.counted()) == 16

    # A stop finishes what runs, starts nothing new, and leaves no process behind.
    assert WorkerHeartbeat.objects.filter(queue__in=("all", "fetch"), workers=2).exists()
    sleepers = [build_job(SleepJob, account, None, {"key": f"sleep-{n}", "seconds": 1.5}) for n in range(6)]
    Job.objects.bulk_create(sleepers)
    wait_for(Job.objects.filter(status=JobStatus.RUNNING).exists, 20)
    assert workers.stop() < 10
    assert workers.left_behind() == []
    ended = Job.objects.filter(pk__in=[job.pk for job in sleepers])
    statuses = set(ended.values_list("status", flat=True))
    assert statuses == {JobStatus.SUCCEEDED, JobStatus.QUEUED}
    assert not ended.filter(status=JobStatus.QUEUED).exclude(deliveries=0).exists()
    assert not WorkerHeartbeat.objects.exists()
