"""Planned units that a sync or a moved card asks for."""

from __future__ import annotations

import pytest

from circuits import services
from circuits.aggregates.job import SyncCircuitAggregatesJob
from circuits.models import Circuit, CircuitAggregate
from circuits.statuses import WorkflowStage
from synclogs.models import Job, SyncStatus
from tests.circuits.conftest import Sync, WorkStudio, circuit_row, work_off
from tests.factories import CircuitFactory

pytestmark = pytest.mark.django_db


class TestWaitingForPermissions:
    """Circuits that wait for permissions have their units fetched after each sync and when moved there."""

    def test_a_sync_asks_for_them_in_one_job_committed_with_its_end(
        self, workstudio: WorkStudio, sync: Sync
    ) -> None:
        workstudio.hold(*(circuit_row(guid) for guid in ("a", "b", "c")))
        sync()
        waiting = Circuit.objects.filter(job_guid__in=["a", "c"])
        for circuit in waiting:
            circuit.get_or_create_ui_state().move_to_stage(WorkflowStage.PENDING_PERMISSIONS, None)
        assert not Job.objects.filter(name=SyncCircuitAggregatesJob.name).exists()
        sync()
        job = Job.objects.get(name=SyncCircuitAggregatesJob.name)
        assert job.args["circuit_ids"] == sorted(circuit.pk for circuit in waiting)
        assert job.args["trigger"] == "manual"
        work_off(job)
        assert CircuitAggregate.objects.count() == 2

    def test_a_failed_sync_asks_for_nothing(self, workstudio: WorkStudio, sync: Sync) -> None:
        workstudio.hold(circuit_row("a"))
        sync()
        Job.objects.all().delete()
        Circuit.objects.get().get_or_create_ui_state().move_to_stage(WorkflowStage.PENDING_PERMISSIONS, None)
        workstudio.fault("error_200", match={"contains": '"QC"'})
        assert sync("ACTIV", "QC").sync_status == SyncStatus.FAILED
        assert not Job.objects.exclude(name="circuits.sync_circuits").exists()

    def test_moving_a_card_there_asks_for_its_units(self, workstudio: WorkStudio) -> None:
        circuit = CircuitFactory()
        services.move_circuit(circuit, WorkflowStage.QC, None)
        assert not Job.objects.exists()
        services.move_circuit(circuit, WorkflowStage.PENDING_PERMISSIONS, None)
        job = Job.objects.get()
        assert (job.args["circuit_ids"], job.args["trigger"]) == ([circuit.pk], "workflow_event")
