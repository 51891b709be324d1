"""The watch over clusters: what counts as stuck, what is measured, which workers are said to live."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from django.utils import timezone
from django_q.conf import Conf
from pytest_django.fixtures import Settings

from accounts.models import Account
from integrations.jobs import progress, qcluster, sentinel, stopping, supervisor, workers
from integrations.jobs.cluster_process import ClusterProcess
from integrations.jobs.process import owner_id
from integrations.jobs.progress import Meter, Running, StuckWatch
from integrations.jobs.sentinel import SafeSentinel
from synclogs.models import Job, JobAttempt, JobQueue, WorkerHeartbeat
from tests.integrations.jobs.conftest import run
from tests.integrations.jobs.testjobs import ActingJob, acting

pytestmark = pytest.mark.django_db


@pytest.fixture
def quick(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> float:
    """Stuck after so many seconds."""
    settings.JOB_HEARTBEAT_SECONDS = 0.1
    monkeypatch.setattr(progress, "REDELIVERY_SECONDS", 0.0)
    return 0.12


def running(job: Job, owner: str = "h:1:1") -> Running:
    return Running(job.pk, "token", owner)


def test_a_due_job_that_free_workers_ignore_is_noticed(account: Account, quick: float) -> None:
    ActingJob.dispatch(account=account)
    watch = StuckWatch()
    assert not watch.is_stuck(["fetch"], [], 2)
    time.sleep(quick)
    assert watch.is_stuck(["fetch"], [], 2)
    watch.reset()
    assert not watch.is_stuck(["fetch"], [], 2)


def test_busy_workers_an_empty_queue_and_progress_are_not_stuck(account: Account, quick: float) -> None:
    busy = ActingJob.dispatch(account=account, args={"n": 1}, queue=JobQueue.WEBHOOK)
    watch, idle, moving = StuckWatch(), StuckWatch(), StuckWatch()
    ActingJob.dispatch(account=account, args={"n": 2})
    for step in range(3):
        assert not watch.is_stuck(["fetch"], [running(busy)], 1)
        assert not idle.is_stuck(["init"], [], 2)
        assert not moving.is_stuck(["fetch"], [Running(busy.pk, f"token {step}", "h:1:1")], 2)
        time.sleep(quick)


@pytest.fixture
def worker() -> Iterator[subprocess.Popen[bytes]]:
    """A process that uses memory and time."""
    code = "import time\nx = bytearray(30_000_000)\nwhile time.process_time() < 30: pass"
    process = subprocess.Popen([sys.executable, "-c", code])
    yield process
    process.kill()
    process.wait()


def test_memory_and_time_of_an_attempt_are_written_when_it_has_ended(
    account: Account, worker: subprocess.Popen[bytes]
) -> None:
    job = ActingJob.dispatch(account=account)
    owner = owner_id(worker.pid)
    attempt = JobAttempt.objects.create(job=job, number=1, worker=owner, started_at=timezone.now())
    meter = Meter()
    meter.read([running(job, owner)])
    time.sleep(0.4)
    meter.read([running(job, owner)])
    attempt.refresh_from_db()
    assert attempt.max_rss_kb is None
    meter.read([])
    attempt.refresh_from_db()
    assert attempt.max_rss_kb is not None
    assert attempt.max_rss_kb > 30_000
    assert attempt.cpu_seconds is not None
    assert 0.05 <= attempt.cpu_seconds < 5


def test_workers_are_said_to_live_until_their_supervisor_stops() -> None:
    cluster = ClusterProcess("all")
    try:
        for _ in range(2):
            workers.note_workers([cluster])
        assert WorkerHeartbeat.objects.count() == 1
        assert workers.live_workers() == {"all": 0}  # it was not started
        WorkerHeartbeat.objects.update(workers=2)
        assert workers.live_workers() == {"all": 2}
        WorkerHeartbeat.objects.update(beat_at=timezone.now() - workers.FORGOTTEN_AFTER * 2)
        assert workers.live_workers() == {}
        workers.note_workers([])
        assert not WorkerHeartbeat.objects.exists()
        workers.note_workers([cluster])
        workers.forget_workers()
        assert not WorkerHeartbeat.objects.exists()
    finally:
        cluster.close()


def test_what_a_duty_raises_does_not_end_the_supervisor() -> None:
    def broken() -> int:
        raise ConnectionError("redis is away")

    done: list[str] = []
    watched = supervisor.Supervisor(duties=(broken, lambda: done.append("next")))
    watched._clusters = []
    watched._tick()
    assert done == ["next"]


def test_each_queue_has_a_cluster_and_a_list_of_its_own_where_that_is_wanted(settings: Settings) -> None:
    settings.QUEUE_CLUSTERS = "single"
    assert [cluster.queue for cluster in supervisor.Supervisor()._clusters] == ["all"]
    assert [cluster.queue for cluster in supervisor.Supervisor(["fetch", "fetch"])._clusters] == ["fetch"]
    settings.QUEUE_BROKER, settings.QUEUE_CLUSTERS = "redis", "per_queue"
    assert [cluster.queue for cluster in supervisor.Supervisor()._clusters] == list(JobQueue.values)
    assert qcluster.broker_key("fetch") == qcluster.cluster_name("fetch") == "fetch"
    assert qcluster.broker_key("default") == Conf.PREFIX


def test_a_cluster_serves_the_queue_that_it_was_started_for(monkeypatch: pytest.MonkeyPatch) -> None:
    assert qcluster.served_queues() == list(JobQueue.values)
    for queue in ("default", "fetch"):
        monkeypatch.setenv(qcluster.SERVED_QUEUE, queue)
        assert qcluster.served_queues() == [queue]


def child(timer: float = -1, exitcode: int | None = None) -> Any:
    return SimpleNamespace(
        timer=SimpleNamespace(value=timer), exitcode=exitcode, pid=1, join=lambda timeout: None
    )


@pytest.mark.parametrize(
    ("role", "dead", "rebuilt"),
    [
        ("worker", child(-1, -9), True),
        ("worker", child(30, -9), True),
        ("worker", child(0, 0), False),
        ("worker", child(-2, 0), False),
        ("pusher", child(exitcode=-9), True),
        ("pusher", child(exitcode=0), False),
        ("monitor", child(exitcode=-9), True),
        ("monitor", child(exitcode=1), False),
    ],
)
def test_the_pool_is_replaced_when_a_child_was_killed(
    monkeypatch: pytest.MonkeyPatch, role: str, dead: Any, rebuilt: bool
) -> None:
    done: list[str] = []
    monkeypatch.setattr(SafeSentinel, "_rebuild", lambda self, process: done.append("rebuilt"))
    monkeypatch.setattr(sentinel.Sentinel, "reincarnate", lambda self, process: done.append("replaced"))
    guard = SafeSentinel.__new__(SafeSentinel)
    guard.pool, guard.monitor, guard.pusher = [], None, None
    if role == "worker":
        guard.pool = [dead]
    else:
        setattr(guard, role, dead)
    guard.reincarnate(dead)
    assert done == ["rebuilt" if rebuilt else "replaced"]
    guard.pool, guard.monitor, guard.pusher = [], None, None
    guard.reincarnate(dead)
    assert len(done) == 1  # it belongs to a pool that was replaced already


def test_only_the_release_that_was_read_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    code = (
        "import importlib.metadata as m; v = m.version\n"
        "m.version = lambda name: '1.12.0' if name == 'django-q2' else v(name)\n"
        "import django; django.setup()\n"
    )
    monkeypatch.setenv("DJANGO_SETTINGS_MODULE", "syncplatform.settings")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "1.12.0 is installed" in done.stderr


def test_asked_to_stop_is_seen_by_the_processes_forked_before() -> None:
    code = (
        "import os, time\nfrom integrations.jobs import stopping\n"
        "pid = os.fork()\n"
        "if pid == 0:\n"
        "    while not stopping.is_requested(): time.sleep(0.01)\n"
        "    os._exit(7)\n"
        "stopping.request()\nprint(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=20
    )
    assert done.stdout.strip() == "7"
    assert not stopping.is_requested()


def test_the_attempt_keeps_the_id_of_its_task(account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(qcluster._current_task, "id", "task-1")
    job = ActingJob.dispatch(account=account)
    with acting():
        run(job)
    assert job.tries.get().django_q_task_id == "task-1"
