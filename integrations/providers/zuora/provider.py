"""Zuora, as the engine knows it."""

from accounts.roles import ADMIN, SUDO_ADMIN, VIEWER, grant
from integrations import registry
from integrations.demonstration import Demonstration
from integrations.providers.zuora.errors import PROVIDER
from integrations.providers.zuora.jobs import SyncCustomerWorkflows
from integrations.sandbox.base import ProviderSandbox


def _demonstration() -> Demonstration:
    from integrations.providers.zuora.demonstration import DEMONSTRATION

    return DEMONSTRATION


def _sandbox() -> ProviderSandbox:
    from integrations.providers.zuora.sandbox import ZuoraSandbox

    return ZuoraSandbox()


ZUORA = registry.register(
    registry.Provider(
        slug=PROVIDER,
        label="Zuora",
        jobs=(SyncCustomerWorkflows,),
        sandbox=_sandbox,
        host_settings=(("ZUORA_API_URL", ""),),
        demonstration=_demonstration,
    )
)

grant(
    ("zuora.view_zuoracustomer", "zuora.view_workflow", "zuora.view_workflowrun"), SUDO_ADMIN, ADMIN, VIEWER
)
grant(("zuora.add_zuoracustomer", "zuora.change_zuoracustomer"), SUDO_ADMIN)
