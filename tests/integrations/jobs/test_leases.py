"""The leases of others: what the supervisor does about processes that died or hang."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.models import Account
from integrations.jobs.claim import Claim
from integrations.jobs.lease import LeaseKeeper
from integrations.jobs.leases import (
    kill_stale_owners,
    park_poison,
    release_dead_owners,
    sweep_abandoned_runs,
)
from integrations.jobs.process import HOST, host_id, is_alive, is_local, owner_id, pid_of
from integrations.jobs.release import release_owners
from integrations.models import Integration
from synclogs.models import Job, JobStatus, SyncLog, SyncStatus
from tests.integrations.jobs.testjobs import ActingSync

pytestmark = pytest.mark.django_db


@pytest.fixture
def child() -> Iterator[subprocess.Popen[bytes]]:
    """A process that waits to be killed."""
    process = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    yield process
    process.kill()
    process.wait()


@pytest.fixture
def job(account: Account, connection_of: Integration, claim_of: Callable[[Job], Claim]) -> Job:
    """A running sync with its run."""
    job = ActingSync.dispatch(account=account, integration=connection_of)
    held = claim_of(job)
    ActingSync(held, LeaseKeeper(held)).open_run()
    return held.job


def owned_by(job: Job, owner: str, *, seconds_left: float = 30) -> None:
    """Say who runs the job and for how long its lease is good."""
    until = timezone.now() + timedelta(seconds=seconds_left)
    Job.objects.filter(pk=job.pk).update(owner=owner, lease_until=until)


def is_free(job: Job) -> bool:
    job.refresh_from_db()
    return job.lease_until is None or job.lease_until <= timezone.now()


def test_an_owner_is_a_process_and_not_only_a_number(child: subprocess.Popen[bytes]) -> None:
    owner = owner_id(child.pid)
    assert pid_of(owner) == child.pid
    assert is_local(owner)
    assert is_alive(owner)
    assert not is_alive(f"{host_id()}:{child.pid}:1")  # the number was used again
    child.kill()
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    assert not is_alive(owner)  # a zombie
    assert not is_local(f"elsewhere/1:{child.pid}:1")
    assert not is_local("")
    assert HOST in owner


def test_the_lease_of_a_dead_process_ends_at_once(job: Job, child: subprocess.Popen[bytes]) -> None:
    owned_by(job, owner_id(child.pid))
    assert release_dead_owners() == 0
    child.kill()
    child.wait()
    assert release_dead_owners() == 1
    assert is_free(job)
    assert (job.status, job.deliveries, job.enqueued_at) == (JobStatus.RUNNING, 1, None)


def test_processes_of_other_hosts_are_not_judged(job: Job) -> None:
    owned_by(job, "elsewhere/4026531836:1:1")
    assert release_dead_owners() == 0
    assert not is_free(job)


def test_a_start_that_our_own_kill_ended_is_given_back(job: Job) -> None:
    release_owners({job.owner}, refund=True)
    assert is_free(job)
    assert job.deliveries == 0


def test_a_process_that_hangs_is_killed_only_when_it_is_ours(
    job: Job, child: subprocess.Popen[bytes]
) -> None:
    owned_by(job, owner_id(child.pid), seconds_left=-1)
    assert kill_stale_owners(set()) == 0
    assert child.poll() is None
    owned_by(job, owner_id(child.pid), seconds_left=30)
    assert kill_stale_owners({child.pid}) == 0
    owned_by(job, owner_id(child.pid), seconds_left=-1)
    assert kill_stale_owners({child.pid}) == 1
    assert child.wait(5) == -signal.SIGKILL


def test_poison_is_parked_also_when_its_own_hook_is_broken(job: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*args: object) -> None:
        raise ValueError("broken hook")

    monkeypatch.setattr(ActingSync, "on_failed", broken)
    Job.objects.update(deliveries=5, lease_until=timezone.now() - timedelta(seconds=1))
    assert park_poison() == 1
    job.refresh_from_db()
    assert (job.status, job.error_code) == (JobStatus.FAILED, "poison")
    assert SyncLog.objects.get().error_code == "poison"


def test_a_run_whose_job_ended_without_it_is_failed(job: Job) -> None:
    SyncLog.objects.update(started_at=timezone.now() - timedelta(minutes=2))
    assert sweep_abandoned_runs() == 0
    Job.objects.update(status=JobStatus.FAILED)
    assert sweep_abandoned_runs() == 1
    run = SyncLog.objects.get()
    assert (run.sync_status, run.error_code, run.lock_key) == (SyncStatus.FAILED, "abandoned", None)
    assert run.duration_seconds is not None


def test_a_run_that_other_jobs_go_on_with_is_left_alone(job: Job, account: Account) -> None:
    Job.objects.update(status=JobStatus.SUCCEEDED)
    SyncLog.objects.update(started_at=timezone.now() - timedelta(minutes=2))
    part = ActingSync.dispatch(account=account, args={"part": 1})
    Job.objects.filter(pk=part.pk).update(run=SyncLog.objects.get())
    assert sweep_abandoned_runs() == 0
    Job.objects.filter(pk=part.pk).update(status=JobStatus.SUCCEEDED)
    assert sweep_abandoned_runs() == 1


def test_a_run_just_started_is_left_alone(job: Job) -> None:
    Job.objects.update(status=JobStatus.FAILED)
    assert sweep_abandoned_runs() == 0
