"""What views, commands and admin actions do with circuits: each is one call."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import Any

from django.db import transaction
from django.utils import timezone

from accounts.models import Account, User
from circuits.aggregates import store
from circuits.aggregates.fetch import Fetched, fetch
from circuits.aggregates.job import SyncCircuitAggregatesJob
from circuits.aggregates.selection import Wanted, WorkOrder, planners_of, work_orders
from circuits.aggregates.store import Difference
from circuits.aggregates.totals import UnitBook
from circuits.aggregates.week import BuildWeeklyAggregatesJob
from circuits.days import today
from circuits.events import CircuitWorkflowChanged, announce
from circuits.models import Circuit
from circuits.snapshots import create
from circuits.snapshots.job import CreateDailySnapshotsJob
from circuits.statuses import ApiStatus, WorkflowStage
from circuits.sync.job import SyncCircuitsJob
from circuits.sync.planners import PlannerLinks
from circuits.sync.regions import RegionBook
from circuits.sync.selection import split_by_switch
from circuits.sync.stream import CircuitStream
from circuits.workstudio.choosing import choose_logins
from circuits.workstudio.client import WorkStudioClient
from circuits.workstudio.errors import WorkStudioUnavailable
from circuits.workstudio.table import PROVIDER
from integrations.jobs.foreground import run_in_foreground
from integrations.jobs.outcomes import Decision
from integrations.jobs.sync_job import BaseSyncJob
from integrations.models import Integration
from integrations.sync.records import Plan, Record, Refused
from integrations.sync.writer import Writer
from synclogs.models import Job, JobQueue, SyncLog, SyncTrigger
from synclogs.progress import Reporter


def workstudio_connection() -> Integration:
    """The one WorkStudio connection of this deployment; made when it is first needed."""
    return Integration.objects.get_or_create(
        account=Account.objects.platform(),
        provider=PROVIDER,
        instance_type="circuits",
        external_id="",
        user=None,
        defaults={"name": "WorkStudio circuits"},
    )[0]


def queue_circuit_sync(
    statuses: Sequence[ApiStatus], *, trigger: str = SyncTrigger.MANUAL, triggered_by: User | None = None
) -> Job:
    """Queue a sync of these statuses for a worker; an open job of the same statuses is returned instead."""
    return _queue(SyncCircuitsJob, _status_args(statuses), trigger, triggered_by)


def sync_circuits_now(
    statuses: Sequence[ApiStatus], reporter: Reporter, *, trigger: str = SyncTrigger.MANUAL
) -> tuple[Job, Decision]:
    """Sync these statuses in this process. Raises SyncAlreadyRunning when a circuit sync is going on."""
    return _run_now(SyncCircuitsJob, _status_args(statuses), trigger, reporter)


def preview_circuits(
    statuses: Sequence[ApiStatus],
) -> Iterator[tuple[ApiStatus, Plan[Record], list[Refused]]]:
    """Fetch, and say batch by batch what a sync would do; writes nothing at all.

    Raises IntegrationError as a sync would.
    """
    regions, planners = RegionBook(), PlannerLinks()
    with _healthy_client() as client:
        for status in split_by_switch(statuses)[0]:
            table = client.circuits(status)
            stream = CircuitStream(table, status, regions, planners, SyncLog())
            for plan, refused in Writer(stream, SyncLog()).preview(table.drain()):
                yield status, plan, refused


def queue_aggregates(
    wanted: Wanted, *, trigger: str = SyncTrigger.MANUAL, triggered_by: User | None = None
) -> Job:
    """Queue the planned units of these circuits; an open job of the same circuits is returned instead."""
    return _queue(SyncCircuitAggregatesJob, wanted.as_args(), trigger, triggered_by)


def sync_aggregates_now(
    wanted: Wanted, reporter: Reporter, *, trigger: str = SyncTrigger.MANUAL
) -> tuple[Job, Decision]:
    """Fetch the planned units of these circuits in this process.

    Raises SyncAlreadyRunning when planned units are being fetched already.
    """
    return _run_now(SyncCircuitAggregatesJob, wanted.as_args(), trigger, reporter)


def preview_aggregates(wanted: Wanted) -> Iterator[tuple[Fetched, Difference]]:
    """Fetch, and say work order by work order what would be written; writes nothing at all.

    Raises IntegrationError as the job would.
    """
    orders = work_orders(wanted)
    if not orders:
        return
    with _healthy_client(orders) as client:
        for fetched in fetch(client, orders, UnitBook.read()):
            yield fetched, store.compare(fetched.fresh, today())


def queue_daily_snapshots(
    day: date | None = None, *, trigger: str = SyncTrigger.MANUAL, triggered_by: User | None = None
) -> Job:
    """Queue the snapshots of a day (None: the day it is then); an open job of it is returned instead."""
    return _queue(CreateDailySnapshotsJob, _day_args(day), trigger, triggered_by)


def queue_weekly_aggregates(*, trigger: str = SyncTrigger.MANUAL) -> Job:
    """Queue the rows that close a week today; an open job of it is returned instead."""
    return _queue(BuildWeeklyAggregatesJob, {}, trigger, None)


def create_daily_snapshots_now(
    day: date | None, reporter: Reporter, *, trigger: str = SyncTrigger.MANUAL
) -> tuple[Job, Decision]:
    """Take the missing snapshots of a day (None: today in New York) in this process.

    Raises SyncAlreadyRunning when snapshots are being taken already.
    """
    return _run_now(CreateDailySnapshotsJob, _day_args(day), trigger, reporter)


def preview_daily_snapshots(day: date | None = None) -> tuple[int, int]:
    """How many snapshots of a day (None: today) would be taken, and how many are there; writes nothing."""
    missing = len(create.missing_on(day or today()))
    return missing, create.circuits_to_snap().count() - missing


def move_circuit(circuit: Circuit, stage: WorkflowStage, user: User | None) -> None:
    """Move a circuit on the board; one that begins to wait for permissions has its units fetched."""
    with transaction.atomic():
        state = circuit.get_or_create_ui_state()
        before = state.workflow_stage
        state.move_to_stage(stage, user)
        announce(
            [CircuitWorkflowChanged(circuit.pk, before, stage, user.pk if user else None, timezone.now())]
        )
        if stage == WorkflowStage.PENDING_PERMISSIONS:
            wanted = Wanted((circuit.pk,), force=True)
            queue_aggregates(wanted, trigger=SyncTrigger.WORKFLOW_EVENT)


def _healthy_client(orders: Sequence[WorkOrder] = ()) -> WorkStudioClient:
    """A client for a preview: nothing is noted about its logins."""
    logins = choose_logins(Account.objects.platform(), planners_of(orders), record=False)
    client = WorkStudioClient(logins)
    if not client.health_check():
        client.close()
        raise WorkStudioUnavailable("WorkStudio API is unavailable")
    return client


def _status_args(statuses: Sequence[ApiStatus]) -> dict[str, Any]:
    return {"statuses": [status.value for status in statuses]}


def _day_args(day: date | None) -> dict[str, Any]:
    return {"date": day.isoformat()} if day else {}


def _queue(cls: type[BaseSyncJob], args: Mapping[str, Any], trigger: str, triggered_by: User | None) -> Job:
    connection = workstudio_connection()
    return cls.dispatch(
        account=connection.account,
        integration=connection,
        args={**args, "trigger": trigger},
        queue=JobQueue.HIGH_PRIORITY if triggered_by else None,
        triggered_by=triggered_by,
    )


def _run_now(
    cls: type[BaseSyncJob], args: Mapping[str, Any], trigger: str, reporter: Reporter
) -> tuple[Job, Decision]:
    connection = workstudio_connection()
    return run_in_foreground(
        cls,
        account=connection.account,
        integration=connection,
        args={**args, "trigger": trigger},
        reporter=reporter,
    )
