"""Chunks side by side in real workers, and a worker killed in the middle of one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from accounts.models import Account
from integrations.jobs.dispatch import build_job
from integrations.models import Event, Integration, RawPayload
from synclogs.models import AttemptOutcome, Job, JobAttempt, JobStatus, SyncLog, SyncStatus
from tests.factories import UserFactory
from tests.faults.conftest import brokers
from tests.faults.installation import Installation, installation, wait_for
from tests.faults.scenario import all_ended, kill
from tests.faults.staged import ITEMS_PER_PAGE, EntryData, EntryPull

pytestmark = [pytest.mark.kill, pytest.mark.timeout(120)]

WORKERS = 4
PAGES = 8
CHUNK_SECONDS = 1.0


@pytest.fixture
def four_workers(_effects: None, tmp_path: Path) -> Iterator[Installation]:
    """An installation whose cluster has four workers."""
    workers = {"QUEUE_WORKERS": f"{WORKERS}", "QUEUE_WORKERS_FETCH": f"{WORKERS}"}
    with installation(brokers()[0], tmp_path, **workers) as started:
        yield started


def poll() -> Job:
    """A poll of eight pages, a chunk each, of which each takes a second to map."""
    account = Account.objects.platform()
    diary = Integration.objects.create(
        account=account, user=UserFactory(), provider="faults", instance_type="entries", name="Diary"
    )
    args = {"pages": PAGES, "seconds": 0, "chunk_seconds": CHUNK_SECONDS}
    [job] = Job.objects.bulk_create([build_job(EntryPull, account, diary, args)])
    return job


def check_everything_is_there_once(job: Job) -> None:
    """Every entry is an event, counted once; every payload is processed, every job has succeeded."""
    run = SyncLog.objects.get(job=job)
    items = PAGES * ITEMS_PER_PAGE
    assert (run.sync_status, run.records_created, run.records_processed) == (
        SyncStatus.COMPLETED,
        items,
        items,
    )
    assert (run.jobs_total, run.jobs_ok, run.jobs_failed) == (PAGES, PAGES, 0)
    assert set(Event.objects.values_list("source_id", flat=True)) == {f"entry_{n}" for n in range(items)}
    assert not RawPayload.objects.filter(processed_at=None).exists()
    assert not Job.objects.exclude(status=JobStatus.SUCCEEDED).exists()


def test_independent_chunks_of_a_run_are_processed_side_by_side(four_workers: Installation) -> None:
    four_workers.start_workers().wait_ready()
    job = poll()
    wait_for(lambda: Job.objects.filter(name=EntryData.name).exists() and all_ended(), 40)
    tries = JobAttempt.objects.filter(job__name=EntryData.name)
    times = [(start, end) for start, end in tries.values_list("started_at", "finished_at") if end is not None]
    at_once = max(sum(start <= moment < end for start, end in times) for moment, _ in times)
    assert at_once >= WORKERS - 1
    check_everything_is_there_once(job)


def test_a_worker_killed_in_the_middle_of_a_chunk(four_workers: Installation) -> None:
    workers = four_workers.start_workers()
    workers.wait_ready()
    job = poll()
    running = Job.objects.filter(name=EntryData.name, status=JobStatus.RUNNING)
    struck = wait_for(running.first, 20)
    assert struck is not None
    kill(psutil.Process(int(struck.owner.split(":")[-2])))
    wait_for(all_ended, 40)
    struck.refresh_from_db()
    assert struck.attempts == 0
    outcomes = list(struck.tries.values_list("outcome", flat=True))
    assert outcomes[-1] == AttemptOutcome.SUCCEEDED
    assert AttemptOutcome.LOST in outcomes
    check_everything_is_there_once(job)
