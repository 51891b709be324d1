"""The faults: which process is hit, and how."""

from __future__ import annotations

import contextlib
import signal
import time
from collections.abc import Callable

import psutil

from synclogs.models import Job, JobStatus
from tests.faults.installation import Installation, Workers
from tests.faults.scenario import kill

Strike = Callable[[Installation, Workers], list[Workers]]


def _busy_pids() -> set[int]:
    owners = Job.objects.filter(status=JobStatus.RUNNING).values_list("owner", flat=True)
    return {int(owner.split(":")[-2]) for owner in owners if owner}


def idle_worker(ours: Installation, workers: Workers) -> list[Workers]:
    """kill -9 of a worker that waits for work, twice: one of them holds the shared queue's lock."""
    for worker in workers.children("worker"):
        kill(worker)
    return [workers]


def busy_worker(ours: Installation, workers: Workers) -> list[Workers]:
    """kill -9 of a worker in the middle of a job."""
    busy = _busy_pids()
    kill(next(worker for worker in workers.children("worker") if worker.pid in busy))
    return [workers]


def pusher(ours: Installation, workers: Workers) -> list[Workers]:
    """kill -9 of the process that takes messages from the broker."""
    kill(workers.children("pusher")[0])
    return [workers]


def monitor(ours: Installation, workers: Workers) -> list[Workers]:
    """kill -9 of the process that collects results."""
    kill(workers.children("monitor")[0])
    return [workers]


def sentinel(ours: Installation, workers: Workers) -> list[Workers]:
    """kill -9 of the process that guards the pool."""
    kill(workers.sentinel())
    return [workers]


def cluster_main(ours: Installation, workers: Workers) -> list[Workers]:
    """kill -9 of the cluster's main process."""
    kill(workers.main())
    return [workers]


def supervisor(ours: Installation, workers: Workers) -> list[Workers]:
    """kill -9 of the supervisor, which is started again as systemd would."""
    workers.everyone()
    kill(workers.process.pid)
    return [_started_again(ours, workers)]


def whole_group(ours: Installation, workers: Workers) -> list[Workers]:
    """kill -9 of everything at once, and a new start."""
    workers.kill_everyone()
    return [_started_again(ours, workers)]


def broker_wiped(ours: Installation, workers: Workers) -> list[Workers]:
    """The broker forgets all that it carries."""
    ours.wipe_broker()
    return [workers]


def everything_and_broker(ours: Installation, workers: Workers) -> list[Workers]:
    """kill -9 of everything at once, and the broker forgets all that it carries."""
    workers.kill_everyone()
    ours.wipe_broker()
    return [_started_again(ours, workers)]


def second_supervisor(ours: Installation, workers: Workers) -> list[Workers]:
    """A second supervisor is started beside the first, and a busy worker of the first is killed."""
    second = ours.start_workers()
    busy = _busy_pids()
    with contextlib.suppress(StopIteration):
        kill(next(worker for worker in workers.children("worker") if worker.pid in busy))
    return [workers, second]


def terminated(ours: Installation, workers: Workers) -> list[Workers]:
    """SIGTERM with work in flight, and a new start."""
    workers.stop()
    return [_started_again(ours, workers)]


def stopped_worker(ours: Installation, workers: Workers) -> list[Workers]:
    """SIGSTOP of a worker in the middle of a job, for ever."""
    busy = _busy_pids()
    next(worker for worker in workers.children("worker") if worker.pid in busy).send_signal(signal.SIGSTOP)
    return [workers]


def stopped_and_continued_worker(ours: Installation, workers: Workers) -> list[Workers]:
    """SIGSTOP of a foreground-like owner is not ours to kill; of a worker past its lease, then SIGCONT."""
    busy = _busy_pids()
    worker = next(worker for worker in workers.children("worker") if worker.pid in busy)
    worker.send_signal(signal.SIGSTOP)
    time.sleep(1.0)
    with contextlib.suppress(psutil.NoSuchProcess):
        worker.send_signal(signal.SIGCONT)
    return [workers]


def stopped_sentinel(ours: Installation, workers: Workers) -> list[Workers]:
    """SIGSTOP of the sentinel: the heartbeat stops."""
    workers.sentinel().send_signal(signal.SIGSTOP)
    return [workers]


def stopped_pusher(ours: Installation, workers: Workers) -> list[Workers]:
    """SIGSTOP of the pusher: all look healthy, and no job starts any more."""
    workers.children("pusher")[0].send_signal(signal.SIGSTOP)
    return [workers]


def _started_again(ours: Installation, before: Workers) -> Workers:
    assert before.left_behind() == [], "orphans"
    again = ours.start_workers()
    return again


IDLE: dict[str, Strike] = {
    "kill -9 idle workers": idle_worker,
    "kill -9 idle pusher": pusher,
    "kill -9 idle monitor": monitor,
}
BUSY: dict[str, Strike] = {
    "kill -9 busy worker": busy_worker,
    "kill -9 pusher": pusher,
    "kill -9 monitor": monitor,
    "kill -9 sentinel": sentinel,
    "kill -9 cluster main": cluster_main,
    "kill -9 supervisor": supervisor,
    "kill -9 whole group": whole_group,
    "broker wiped": broker_wiped,
    "kill -9 all, broker wiped": everything_and_broker,
    "two supervisors": second_supervisor,
    "SIGTERM in flight": terminated,
    "SIGSTOP worker": stopped_worker,
    "SIGSTOP worker 1 s": stopped_and_continued_worker,
    "SIGSTOP sentinel": stopped_sentinel,
    "SIGSTOP pusher": stopped_pusher,
}
