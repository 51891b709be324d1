"""The operators' pages of circuits, and what they add to those of runs."""

from __future__ import annotations

from django.urls import reverse
from django.utils.http import urlencode

from accounts.models import User
from circuits.admin.aggregates import CircuitAggregateAdmin
from circuits.admin.circuit import CircuitAdmin
from circuits.admin.lookups import ApiStatusConfigAdmin, RegionAdmin
from circuits.admin.planner import UnlinkedPlannerAdmin
from circuits.admin.snapshots import CircuitSnapshotAdmin
from circuits.admin.unit_types import UnitTypeAdmin
from circuits.sync.job import SyncCircuitsJob
from circuits.workstudio.check import check_credential
from circuits.workstudio.table import PROVIDER
from integrations.admin.ports import CredentialSort, add_credential_sort
from synclogs.admin.operate import OPERATE
from synclogs.admin.ports import Starter, add_run_link, add_starter
from synclogs.models import SyncLog

__all__ = [
    "ApiStatusConfigAdmin",
    "CircuitAdmin",
    "CircuitAggregateAdmin",
    "CircuitSnapshotAdmin",
    "RegionAdmin",
    "UnitTypeAdmin",
    "UnlinkedPlannerAdmin",
]


def changed_circuits(run: SyncLog, user: User) -> tuple[str, str] | None:
    """On to the circuits that a circuit run changed last."""
    if run.sync_type != SyncCircuitsJob.sync_type or not user.has_perm("circuits.view_circuit"):
        return None
    query = urlencode({"last_run__id__exact": str(run.pk)})
    return "Circuits that no later run changed", f"{reverse('admin:circuits_circuit_changelist')}?{query}"


add_credential_sort(
    CredentialSort(
        provider=PROVIDER,
        label="WorkStudio",
        secrets=(
            ("username", "User name", "With its domain: DOMAIN\\user."),
            ("password", "Password", ""),
        ),
        test=check_credential,
    )
)
add_starter(Starter("Sync now", "admin:circuits_circuit_sync", OPERATE))
add_run_link(changed_circuits)
