"""WorkStudio, as the engine knows it."""

from circuits.aggregates.job import SyncCircuitAggregatesJob
from circuits.aggregates.week import BuildWeeklyAggregatesJob
from circuits.schedules import circuit_schedules
from circuits.snapshots.job import CreateDailySnapshotsJob
from circuits.sync.job import SyncCircuitsJob
from integrations import registry
from integrations.sandbox.base import ProviderSandbox
from integrations.schedules import declared


def _sandbox() -> ProviderSandbox:
    from circuits.workstudio.sandbox import WorkStudioSandbox

    return WorkStudioSandbox()


WORKSTUDIO = registry.register(
    registry.Provider(
        slug="workstudio",
        label="WorkStudio",
        jobs=(
            SyncCircuitsJob,
            SyncCircuitAggregatesJob,
            CreateDailySnapshotsJob,
            BuildWeeklyAggregatesJob,
        ),
        sandbox=_sandbox,
        host_settings=(("WORKSTUDIO_API_URL", "DDOProtocol/"),),
    )
)

declared.declare(*circuit_schedules())
