"""The simulated tenants: who may sign in, what each may do, and what it holds."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from integrations.sandbox import SandboxError

Row = dict[str, Any]

VIEW, RUN, MANAGE = "view", "run", "manage"
PERMISSIONS = (VIEW, RUN, MANAGE)
DATA_CENTER = "us"


@dataclass(frozen=True, slots=True)
class TenantLogin:
    """An OAuth client of a tenant."""

    name: str
    client_id: str
    client_secret: str = field(repr=False)


DEFAULT_TENANTS = (
    TenantLogin(
        "Alder Grove Media", "5f0c2a4e-7d31-4b8e-9c55-2f1f0c7a1b01", "sandbox-secret-alder-0000000000001"
    ),
    TenantLogin(
        "Birch Lane Telecom", "5f0c2a4e-7d31-4b8e-9c55-2f1f0c7a1b02", "sandbox-secret-birch-0000000000002"
    ),
)


@dataclass
class Tenant:
    """One tenant of the simulator; ``workflows`` and ``runs`` are wire objects by id.

    ``hostile`` are rows that the list endpoint mixes in and that cannot be taken. A tenant of another data
    center is refused like one with a wrong secret.
    """

    login: TenantLogin
    data_center: str = DATA_CENTER
    permissions: frozenset[str] = frozenset(PERMISSIONS)
    workflows: dict[int, Row] = field(default_factory=dict)
    runs: dict[int, Row] = field(default_factory=dict)
    tasks: list[Row] = field(default_factory=list)
    hostile: list[Row] = field(default_factory=list)
    next_id: int = 1

    def take_id(self) -> int:
        """An id that no workflow, version or run of this tenant has."""
        self.next_id += 1
        return self.next_id - 1

    def listed(self) -> list[Row]:
        """Every definition in the list's order: the newest first, so that an insert moves all pages."""
        rows = [self.workflows[number] for number in sorted(self.workflows, reverse=True)]
        return [*self.hostile, *rows]

    def describe(self) -> dict[str, Any]:
        """What the tenant holds, without its secret."""
        statuses: dict[str, int] = {}
        for run in self.runs.values():
            statuses[run["status"]] = statuses.get(run["status"], 0) + 1
        return {
            "name": self.login.name,
            "data_center": self.data_center,
            "permissions": sorted(self.permissions),
            "workflows": len(self.workflows),
            "hostile": len(self.hostile),
            "runs": len(self.runs),
            "runs_by_status": statuses,
            "tasks": len(self.tasks),
        }


def change_tenant(tenants: dict[str, Tenant], client_id: str, document: Any) -> None:
    """Add, change or (None) remove a tenant by its client id. Raises SandboxError."""
    if document is None:
        tenants.pop(client_id, None)
        return
    known = {"name", "client_secret", "data_center", "permissions"}
    if not isinstance(document, dict) or set(document) - known:
        raise SandboxError(f"A tenant is an object of {', '.join(sorted(known))}, not {document!r}.")
    tenant = tenants.get(client_id)
    if tenant is None:
        tenant = tenants[client_id] = Tenant(TenantLogin(client_id, client_id, ""))
    tenant.login = TenantLogin(
        _text("name", document.get("name", tenant.login.name)),
        client_id,
        _text("client_secret", document.get("client_secret", tenant.login.client_secret)),
    )
    tenant.data_center = _text("data_center", document.get("data_center", tenant.data_center))
    permissions = document.get("permissions", sorted(tenant.permissions))
    if not isinstance(permissions, list) or set(permissions) - set(PERMISSIONS):
        raise SandboxError(f"permissions are a list of {', '.join(PERMISSIONS)}, not {permissions!r}.")
    tenant.permissions = frozenset(permissions)


def _text(name: str, value: Any) -> str:
    if not isinstance(value, str):
        raise SandboxError(f"{name} must be text, not {value!r}.")
    return value
