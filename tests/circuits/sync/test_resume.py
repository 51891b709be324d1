"""A sync whose process was killed: taken up by another one, its counts are those of an undisturbed run."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.db import transaction

from circuits import services
from circuits.models import Circuit, CircuitUiState, UnlinkedPlanner
from circuits.statuses import ApiStatus
from circuits.sync.job import SyncCircuitsJob
from synclogs.counts import Counts
from synclogs.models import AttemptOutcome, Job, JobStatus, SyncLog, SyncStatus
from synclogs.progress import SilentReporter
from tests.circuits.conftest import WorkStudio, job_of, let_lapse, take_up
from tests.factories import UserFactory

ALL = list(ApiStatus)
pytestmark = pytest.mark.django_db


class Killed(BaseException):
    """The process dies here, without a word."""


class DiesAfter(SilentReporter):
    """Dies once so many batches are committed."""

    def __init__(self, batches: int) -> None:
        self.left = batches

    def advance(self, counts: Counts) -> None:
        self.left -= 1
        if not self.left:
            raise Killed


@pytest.fixture
def data(workstudio: WorkStudio, monkeypatch: pytest.MonkeyPatch) -> None:
    """60 circuits with some bad ones among them, a few known in an older state, in batches of ten."""
    monkeypatch.setattr(SyncCircuitsJob, "batch_size", 10)
    UserFactory(ws_username="TREECO\\mvance")
    workstudio.seed(60, hostile=True)
    services.sync_circuits_now([ApiStatus.ACTIV], SilentReporter())
    Circuit.objects.filter(pk__in=Circuit.objects.order_by("-pk").values("pk")[:12]).delete()
    UnlinkedPlanner.objects.all().delete()
    workstudio.sim("touch", {"count": 9, "status": "ACTIV"})


def facts(run: SyncLog) -> dict[str, object]:
    """Everything that a run leaves behind and that must not depend on how often it was killed."""
    return {
        "status": run.sync_status,
        "message": run.error_message,
        "counts": run.counts,
        "issues": sorted(run.issues.values_list("partition", "source_id", "error_code")),
        "circuits": sorted(
            Circuit.objects.values_list("job_guid", "title", "percent_complete", "api_status")
        ),
        "on board": CircuitUiState.objects.count(),
        "seen": sorted(UnlinkedPlanner.objects.values_list("ws_username", "occurrence_count")),
        "jobs": sorted(Job.objects.values_list("name", flat=True)),
    }


def kill(workstudio: WorkStudio, batches: int) -> SyncLog:
    """Sync everything in a process that dies after so many batches."""
    with pytest.raises(Killed):
        services.sync_circuits_now(ALL, DiesAfter(batches))
    run = SyncLog.objects.latest("started_at")
    assert run.sync_status == SyncStatus.STARTED
    assert job_of(run).status == JobStatus.RUNNING
    let_lapse(run)
    return run


@pytest.mark.parametrize("batches", [1, 3, 4, 5, 7, 8])
def test_taken_up_it_counts_like_an_undisturbed_run(
    data: None,
    workstudio: WorkStudio,
    batches: int,
    undisturbed: Callable[[], dict[str, object]],
) -> None:
    expected = undisturbed()
    run = kill(workstudio, batches)
    take_up(run)
    assert facts(run) == expected
    attempts = job_of(run).tries.values_list("outcome", flat=True)
    assert list(attempts) == [AttemptOutcome.LOST, AttemptOutcome.SUCCEEDED]


@pytest.fixture
def undisturbed(db: None) -> Callable[[], dict[str, object]]:
    """What a run that nobody kills leaves behind; everything is rolled back afterwards."""

    def measure() -> dict[str, object]:
        with transaction.atomic():
            job, _ = services.sync_circuits_now(ALL, SilentReporter())
            result = facts(SyncLog.objects.get(job=job))
            transaction.set_rollback(True)
        return result

    return measure


def test_killed_twice_it_still_counts_the_same(
    data: None, workstudio: WorkStudio, undisturbed: Callable[[], dict[str, object]]
) -> None:
    expected = undisturbed()
    run = kill(workstudio, 2)
    with pytest.raises(Killed):
        services.sync_circuits_now(ALL, DiesAfter(5))
    let_lapse(run)
    job, _ = services.sync_circuits_now(ALL, SilentReporter())
    assert job.pk == run.job_id
    run.refresh_from_db()
    assert facts(run) == expected


def test_finished_statuses_are_not_asked_for_again(data: None, workstudio: WorkStudio) -> None:
    run = kill(workstudio, 5)
    done = run.checkpoint["done"]
    assert done == ["ACTIV", "QC"]
    before = len(workstudio.asked())
    take_up(run)
    assert workstudio.asked()[before:] == ["REWRK", "CLOSE"]


def test_a_process_whose_job_was_taken_over_writes_nothing_more(data: None, workstudio: WorkStudio) -> None:
    taken_over: list[SyncLog] = []

    class Stalls(SilentReporter):
        """Another process takes the job over and finishes it while this one is in the middle of it."""

        def advance(self, counts: Counts) -> None:
            if not taken_over:
                taken_over.append(SyncLog.objects.get(sync_status=SyncStatus.STARTED))
                take_up(taken_over[0])

    _, decision = services.sync_circuits_now(ALL, Stalls())
    run = SyncLog.objects.latest("started_at")
    assert taken_over == [run]
    assert decision.code == "lease_lost"
    assert run.sync_status == SyncStatus.WARNING
    assert run.counts.processed == 65
    assert Circuit.objects.count() == 60


def test_nothing_is_asked_when_only_the_end_was_missing(workstudio: WorkStudio) -> None:
    workstudio.seed(10)

    def die(self: SyncCircuitsJob) -> None:
        raise Killed

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(SyncCircuitsJob, "finish", die)
        with pytest.raises(Killed):
            services.sync_circuits_now([ApiStatus.ACTIV], SilentReporter())
    run = SyncLog.objects.get()
    let_lapse(run)
    workstudio.fault("status", status=500, match={}, times="forever")
    take_up(run)
    assert (run.sync_status, run.counts) == (SyncStatus.COMPLETED, Counts(created=6))
