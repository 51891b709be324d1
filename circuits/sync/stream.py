"""The circuits stream: rows of the circuits view into Circuit, with regions, board states and planners."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django.utils import timezone

from circuits.events import CircuitUpdated, announce
from circuits.models import Circuit, CircuitUiState
from circuits.statuses import ApiStatus, WorkflowStage
from circuits.sync.planners import PlannerLinks
from circuits.sync.regions import RegionBook
from circuits.workstudio.table import DDOTable
from circuits.workstudio.transform import CircuitTransformer
from integrations.sync.among import Among
from integrations.sync.bulk import Merge
from integrations.sync.records import Plan, Record
from integrations.sync.stream import Stream
from synclogs.models import SyncLog


class CircuitStream(Stream):
    """One reply of the circuits view.

    `regions` and `planners` are shared by the replies of `run`. `pending_permissions` gathers the circuits of
    the reply that wait for permissions on the board. Raises WorkStudioProtocolError when the reply has no
    column with the circuits' key.
    """

    name = "circuits"
    model = Circuit
    key = "job_guid"
    mapping_version = 1
    stamped_on_change = ("last_synced_at", "updated_at")
    stamped_on_insert = ("created_at",)
    restored_by_clearing = "deleted_at"

    def __init__(
        self,
        table: DDOTable,
        requested: ApiStatus,
        regions: RegionBook,
        planners: PlannerLinks,
        run: SyncLog,
    ) -> None:
        self._table = table
        self._run = run
        self._transformer = CircuitTransformer(table.heading, requested)
        if table.heading and len(table):
            self._transformer.require_key()
        self._regions = regions
        self._planners = planners
        self.pending_permissions: list[int] = []

    def parse(self, raw: Any, index: int) -> Record:
        """One row of the reply. Raises RecordError when it cannot be taken."""
        return self._transformer.record(self._table.row(raw), index)

    def columns(self) -> Sequence[str]:
        """The circuit columns that this reply's heading provides for."""
        return self._transformer.columns

    def source_id(self, raw: Any) -> str:
        """The job's GUID, or its work order when even that is missing."""
        row = self._table.partial_row(raw)
        return str(row.get("SS_JOBGUID") or row.get("WSREQ_JOBGUID") or row.get("SS_WO") or "")

    def excerpt(self, raw: Any) -> str:
        """What an operator needs to find the job in WorkStudio; no comments and no people."""
        row = self._table.partial_row(raw)
        return ", ".join(f"{name}={row[name]!r}" for name in ("SS_WO", "SS_EXT", "SS_TITLE") if name in row)

    def prepare(self, records: Sequence[Record], *, write: bool) -> None:
        """Turn region names into regions, adding those that are new."""
        if "region_id" not in self.columns():
            return
        names = {record.extra["region"] for record in records if record.extra["region"]}
        ids = self._regions.ids(names, write=write)
        for record in records:
            record.values["region_id"] = ids.get(record.extra["region"])

    def complete(self, record: Record, stored: Mapping[str, Any]) -> None:
        """Keep what `api_data` holds of columns that this reply lacks."""
        if "api_data" in record.values and self._transformer.lacks_kept_columns:
            record.values["api_data"] = {**(stored["api_data"] or {}), **record.values["api_data"]}

    def after_merge(self, plan: Plan[Record]) -> None:
        """Put new circuits on the board, link planners, note who waits for permissions, tell what changed."""
        _put_on_board(plan.pks[record.key] for record in plan.created)
        self._planners.link(
            (plan.pks[record.key], record.extra["planner_username"])
            for record in plan.taken
            if record.extra["planner_username"]
        )
        waiting = CircuitUiState.objects.filter(
            Among("circuit_id", [plan.pks[record.key] for record in plan.taken]),
            workflow_stage=WorkflowStage.PENDING_PERMISSIONS,
        )
        self.pending_permissions += waiting.values_list("circuit_id", flat=True)
        self._announce(plan)

    def _announce(self, plan: Plan[Record]) -> None:
        now = timezone.now()
        announce(
            CircuitUpdated(
                circuit_id=plan.pks[record.key],
                work_order=record.values.get("work_order", ""),
                sync_id=self._run.pk,
                changed_fields=record.changed,
                updated_at=now,
            )
            for record in plan.updated
        )


def _put_on_board(circuit_ids: Iterable[int]) -> None:
    """Give circuits their place under Active, unless they have one."""
    now = timezone.now()
    names = [field.attname for field in CircuitUiState._meta.concrete_fields if not field.primary_key]
    fresh = CircuitUiState(created_at=now, updated_at=now)
    fixed = {name: getattr(fresh, name) for name in names}
    rows = [{**fixed, "circuit_id": circuit_id} for circuit_id in circuit_ids]
    if rows:
        Merge(CircuitUiState, names, unique=("circuit_id",)).write(rows)
