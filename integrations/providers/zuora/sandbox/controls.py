"""Control calls of the Zuora sandbox: what people at the vendor do, and how the vendor misbehaves."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from integrations.providers.zuora.sandbox.failures import Failure
from integrations.providers.zuora.sandbox.generator import (
    RUN_STATUSES,
    add_run,
    add_workflow,
    count_of,
    iso,
)
from integrations.providers.zuora.sandbox.tenants import Row, Tenant, change_tenant
from integrations.sandbox import SandboxError, SandboxRequest, SandboxResponse

if TYPE_CHECKING:
    from integrations.providers.zuora.sandbox.provider import ZuoraSandbox

CONTROL_PATHS = {
    "POST workflows": "insert or change workflows: [{id, name, ...}]; a new one without id gets one",
    "POST delete": 'delete workflows or runs: {"workflows": [ids] or a number, "runs": [ids]}',
    "POST touch": 'edit so many workflows: {"count": 5}',
    "POST runs": 'insert or change runs: [{"workflow_id", "status", ...}]',
    "POST between_pages": 'after page N is read: {"after_page": 1, "insert": 1, "delete": 1}',
    "POST behavior": "change token_ttl, tokens_per_minute, next_page, spelling, dates, gzip, ...",
    "POST rate": 'set the rate window: {"limit": 100, "remaining": 5, "reset": 2}',
    "POST fail_next": 'fail the next calls: {"status", "shape", "times", "path", "headers"}',
    "POST tenants": "add, change or (null) remove tenants: {client_id: {client_secret, permissions, ...}}",
    "POST expire_tokens": "let every token die at once",
}


@dataclass
class PageEvents:
    """What happens to a tenant's data once a page of its list was read."""

    waiting: list[tuple[int, int, int]] = field(default_factory=list)

    def after(self, page: int, tenant: Tenant, rng: random.Random) -> None:
        """Let happen what waits for this page, once."""
        for event in [event for event in self.waiting if event[0] == page]:
            self.waiting.remove(event)
            for _ in range(event[1]):
                add_workflow(tenant, rng)
            for number in sorted(tenant.workflows, reverse=True)[: event[2]]:
                del tenant.workflows[number]


def answer(sandbox: ZuoraSandbox, request: SandboxRequest) -> SandboxResponse | None:
    """Answer one control call; None for one that does not exist. Raises SandboxError."""
    name = request.path.strip("/")
    if f"{request.method} {name}" not in CONTROL_PATHS:
        return None
    if name in ("workflows", "runs"):
        rows = request.json()
        tenant = _tenant(sandbox, request)
        upsert = _put_workflow if name == "workflows" else _put_run
        done = [upsert(tenant, row, sandbox.rng) for row in (rows if isinstance(rows, list) else [rows])]
        return SandboxResponse.json({"ids": [row["id"] for row in done]})
    return SandboxResponse.json(_change(sandbox, request, name, request.json_object()))


def _change(
    sandbox: ZuoraSandbox, request: SandboxRequest, name: str, document: dict[str, Any]
) -> dict[str, Any]:
    if name == "behavior":
        sandbox.behavior = sandbox.behavior.changed(document)
    elif name == "fail_next":
        sandbox.failures.add(Failure.parse(document))
    elif name == "tenants":
        for client_id, tenant in document.items():
            change_tenant(sandbox.tenants, client_id, tenant)
    elif name == "expire_tokens":
        return {"expired": sandbox.expire_tokens()}
    elif name == "rate":
        sandbox.windows[_tenant(sandbox, request).login.client_id].set(document)
    elif name == "between_pages":
        names = ("after_page", "insert", "delete")
        values = tuple(count_of(key, document.get(key, int(key == "after_page"))) for key in names)
        sandbox.page_events.waiting.append((values[0], values[1], values[2]))
    elif name == "delete":
        return _delete(_tenant(sandbox, request), document)
    elif name == "touch":
        return _touch(_tenant(sandbox, request), count_of("count", document.get("count", 1)), sandbox.rng)
    return {"done": name}


def _tenant(sandbox: ZuoraSandbox, request: SandboxRequest) -> Tenant:
    """The tenant that ``?client_id=`` names, or the first one."""
    client_id = request.parameter("client_id") or next(iter(sandbox.tenants), "")
    if client_id not in sandbox.tenants:
        raise SandboxError(f"There is no tenant {client_id!r}.", 404, tenants=sorted(sandbox.tenants))
    return sandbox.tenants[client_id]


def _put_workflow(tenant: Tenant, row: Any, rng: random.Random) -> Row:
    if not isinstance(row, dict):
        raise SandboxError(f"A workflow is an object, not {row!r}.")
    stored = tenant.workflows.get(row.get("id", 0))
    if stored is None:
        return add_workflow(tenant, rng, **row)
    stored.update(row)
    return stored


def _put_run(tenant: Tenant, row: Any, rng: random.Random) -> Row:
    if not isinstance(row, dict):
        raise SandboxError(f"A run is an object, not {row!r}.")
    stored = tenant.runs.get(row.get("id", 0))
    if stored is not None:
        stored.update(row)
        return stored
    changes = {**row}
    workflow_id = changes.pop("workflow_id", None) or next(iter(sorted(tenant.workflows)), 0)
    status = changes.pop("status", RUN_STATUSES[0])
    return add_run(tenant, workflow_id, status, rng, **changes)


def _delete(tenant: Tenant, document: dict[str, Any]) -> dict[str, Any]:
    workflows = document.get("workflows", [])
    numbers = sorted(tenant.workflows)[:workflows] if isinstance(workflows, int) else list(workflows)
    runs = list(document.get("runs", []))
    for number in numbers:
        tenant.workflows.pop(number, None)
    for number in runs:
        tenant.runs.pop(number, None)
    return {"workflows": numbers, "runs": runs}


def _touch(tenant: Tenant, count: int, rng: random.Random) -> dict[str, Any]:
    numbers = rng.sample(sorted(tenant.workflows), min(count, len(tenant.workflows)))
    for number in numbers:
        row = tenant.workflows[number]
        row["description"] = f"Edited in the office, note {rng.randrange(10**9)}"
        row["updatedAt"] = iso(datetime.now(UTC))
    return {"touched": sorted(numbers)}
