"""ServiceTitan, as the engine knows it."""

from accounts import roles
from integrations import registry
from integrations.demonstration import Demonstration
from integrations.providers.servicetitan.job import SyncServiceTitanJob
from integrations.providers.servicetitan.schedules import (
    SCHEDULES,
    ProcessScheduledSyncsJob,
    RetryFailedSyncsJob,
    SyncStatusJob,
)
from integrations.providers.servicetitan.slug import PROVIDER
from integrations.sandbox.base import ProviderSandbox
from integrations.schedules import declared


def _demonstration() -> Demonstration:
    from integrations.providers.servicetitan.demonstration import DEMONSTRATION

    return DEMONSTRATION


def _sandbox() -> ProviderSandbox:
    from integrations.providers.servicetitan.sandbox import ServiceTitanSandbox

    return ServiceTitanSandbox()


JOBS = (SyncServiceTitanJob, ProcessScheduledSyncsJob, RetryFailedSyncsJob, SyncStatusJob)

SERVICETITAN = registry.register(
    registry.Provider(
        slug=PROVIDER, label="ServiceTitan", jobs=JOBS, sandbox=_sandbox, demonstration=_demonstration
    )
)

VIEW = tuple(f"servicetitan.view_servicetitan{model}" for model in ("credential", "customer", "invoice"))
roles.grant(VIEW, roles.SUDO_ADMIN, roles.ADMIN, roles.VIEWER)
roles.grant(
    ("servicetitan.add_servicetitancredential", "servicetitan.change_servicetitancredential"),
    roles.SUDO_ADMIN,
)

declared.declare(*SCHEDULES)
