"""One fault, from the jobs before it to the proof after it that nothing was lost and nothing done twice."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass

import psutil
from django.db.models import Max

from accounts.models import Account
from integrations.jobs.dispatch import build_job
from integrations.models import Integration
from synclogs.models import AttemptOutcome, Job, JobAttempt, JobStatus, SyncLog, SyncStatus
from tests.faults import effects
from tests.faults.installation import Installation, Workers, wait_for
from tests.faults.jobs import ROWS_PER_BATCH, BatchRunJob, ShortJob, SleepJob

SLEEPS, SLEEP_SECONDS = 12, 0.2
SHORTS = 30
RUNS, BATCHES, BATCH_SECONDS = 2, 8, 0.15
END_SECONDS = 60.0


@dataclass(frozen=True)
class Outcome:
    """What became of the jobs around one fault.

    `recovered` is the seconds until a job started after it, `seconds` until all had ended.
    """

    fault: str
    broker: str
    database: str
    jobs: int
    lost: int
    doubled: int
    recovered: float
    seconds: float
    problems: list[str]

    def as_dict(self) -> dict[str, object]:
        """The outcome for machines."""
        return asdict(self)


def make_jobs() -> list[Job]:
    """Plain jobs, jobs of a short class and runs of several batches, not yet delivered to any broker."""
    account = Account.objects.platform()
    connections = [
        Integration.objects.create(
            account=account, provider="faults", instance_type="batches", name=f"{n}", external_id=f"{n}"
        )
        for n in range(RUNS)
    ]
    sleep = [{"key": f"sleep-{n}", "seconds": SLEEP_SECONDS} for n in range(SLEEPS)]
    runs = [{"key": f"run-{n}", "batches": BATCHES, "seconds": BATCH_SECONDS} for n in range(RUNS)]
    jobs = [build_job(BatchRunJob, account, connections[n], args) for n, args in enumerate(runs)]
    jobs += [build_job(SleepJob, account, None, args) for args in sleep]
    jobs += [build_job(ShortJob, account, None, {"key": f"short-{n}"}) for n in range(SHORTS)]
    return Job.objects.bulk_create(jobs)


def expected_effects() -> set[tuple[str, str]]:
    """Every effect that these jobs have, once each."""
    single = {(f"sleep-{n}", "done") for n in range(SLEEPS)} | {(f"short-{n}", "done") for n in range(SHORTS)}
    rows = range(ROWS_PER_BATCH)
    batches = {(f"run-{n}", f"{b}.{r}") for n in range(RUNS) for b in range(BATCHES) for r in rows}
    return single | batches


def all_ended() -> bool:
    """Whether no job is open."""
    return not Job.objects.filter(finished_at__isnull=True).exists()


def wait_until_busy() -> None:
    """Waits until a run has written something and goes on."""
    running = SyncLog.objects.filter(sync_status=SyncStatus.STARTED, records_processed__gt=0)
    wait_for(running.exists, 20)


def seconds_to_next_start(newest: int, since: float) -> float:
    """How long after `since` the next attempt was started; `newest` is the last one before."""
    wait_for(lambda: JobAttempt.objects.filter(pk__gt=newest).exists() or all_ended(), END_SECONDS)
    return time.monotonic() - since


def newest_attempt() -> int:
    """The last attempt that was started."""
    return JobAttempt.objects.aggregate(last=Max("pk"))["last"] or 0


def problems(workers: list[Workers]) -> Iterator[str]:
    """What is not as promised after all jobs have ended: states, runs, locks, leases, processes."""
    for job in Job.objects.exclude(status=JobStatus.SUCCEEDED):
        yield f"{job} is {job.status}: {job.error_message}"
    runs = list(SyncLog.objects.all())
    if len(runs) != RUNS:
        yield f"{len(runs)} runs in place of {RUNS}"
    for run in runs:
        counts = (run.sync_status, run.lock_key, run.records_created, run.records_processed)
        if counts != (SyncStatus.COMPLETED, None, BATCHES * ROWS_PER_BATCH, BATCHES * ROWS_PER_BATCH):
            yield f"run {run.pk} has {counts}"
    if JobAttempt.objects.filter(outcome=AttemptOutcome.RUNNING).exists():
        yield "an attempt never ended"
    if Job.objects.exclude(lease_token="", lease_until=None).exists():
        yield "a lease is left"
    for each in workers:
        if each.process.poll() is None:
            each.stop()
        if left := each.left_behind():
            yield f"left behind: {left}"


def kill(process: psutil.Process | int) -> None:
    """kill -9."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(process if isinstance(process, int) else process.pid, signal.SIGKILL)


def run_fault(
    ours: Installation,
    name: str,
    database: str,
    strike: Callable[[Installation, Workers], list[Workers]],
    *,
    idle: bool = False,
) -> Outcome:
    """Jobs, a fault in the middle (or, `idle`, before the first of them), and the proof.

    `strike` does the fault and returns the workers that should be alive afterwards.
    """
    workers = ours.start_workers()
    workers.wait_ready()
    if not idle:
        make_jobs()
        wait_until_busy()
    newest, struck = newest_attempt(), time.monotonic()
    alive = strike(ours, workers)
    if idle:
        make_jobs()
    recovered = seconds_to_next_start(newest, struck)
    with contextlib.suppress(TimeoutError):
        wait_for(all_ended, END_SECONDS)
    seconds = time.monotonic() - struck
    found = effects.counted()
    unended = Job.objects.filter(finished_at__isnull=True).count()
    return Outcome(
        fault=name,
        broker=ours.broker,
        database=database,
        jobs=Job.objects.count(),
        lost=unended + len(expected_effects() - found.keys()),
        doubled=sum(times - 1 for times in found.values()),
        recovered=round(recovered, 1),
        seconds=round(seconds, 1),
        problems=list(problems([*{workers, *alive}])),
    )
