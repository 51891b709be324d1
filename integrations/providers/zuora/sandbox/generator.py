"""Made-up workflows, runs and tasks in Zuora's wire format, from a seed."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from integrations.providers.zuora.sandbox.tenants import Row, Tenant
from integrations.sandbox import SandboxError

SEED_OPTIONS = {
    "workflows": "workflows of each tenant (130)",
    "runs": "runs of each tenant, each with up to four tasks (24)",
    "hostile": "mix in two records that cannot be taken (true)",
    "seed": "start of the random sequence; the same seed gives the same data (7)",
}
START = datetime(2024, 5, 1, 6, 0, tzinfo=UTC)
WORK = ("dunning", "invoice run", "payment retry", "tax export", "usage import", "credit memo sync")
PACE = ("Nightly", "Hourly", "Weekly", "Monthly", "Ad hoc", "Quarterly")
CRONS = ("0 0 * * *", "15 * * * *", "0 6 * * 1", "30 2 1 * *")
ZONES = ("UTC", "America/New_York", "Europe/Berlin")
RUN_STATUSES = ("Finished", "Finished", "Finished", "Processing", "Queued", "Stopped")
TASK_STATUSES = ("Success", "Success", "Success", "Error")


@dataclass(frozen=True, slots=True)
class SeedOptions:
    """Checked seed options; SEED_OPTIONS explains them."""

    workflows: int = 130
    runs: int = 24
    hostile: bool = True
    seed: int = 7

    @classmethod
    def parse(cls, options: Mapping[str, Any]) -> SeedOptions:
        """Check options as received; raises SandboxError."""
        default = cls()
        hostile = options.get("hostile", default.hostile)
        if not isinstance(hostile, bool):
            raise SandboxError(f"hostile must be true or false, not {hostile!r}.")
        return cls(
            workflows=count_of("workflows", options.get("workflows", default.workflows)),
            runs=count_of("runs", options.get("runs", default.runs)),
            hostile=hostile,
            seed=count_of("seed", options.get("seed", default.seed)),
        )


def count_of(name: str, value: Any) -> int:
    """A whole number from 0 to 100,000. Raises SandboxError."""
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= 100_000:
        raise SandboxError(f"{name} must be a whole number from 0 to 100000, not {value!r}.")
    return value


def fill(tenant: Tenant, options: SeedOptions, rng: random.Random) -> None:
    """Replace what the tenant holds by generated data."""
    tenant.workflows, tenant.runs, tenant.tasks, tenant.hostile = {}, {}, [], []
    for _ in range(options.workflows):
        add_workflow(tenant, rng)
    numbers = sorted(tenant.workflows)
    for _ in range(options.runs if numbers else 0):
        add_run(tenant, rng.choice(numbers), rng.choice(RUN_STATUSES), rng)
    if options.hostile:
        tenant.hostile = [
            {"name": "Draft without an id", "status": "Active"},
            {"id": tenant.take_id(), "name": {"en": "Name of a wrong type"}, "status": "Active"},
        ]


def add_workflow(tenant: Tenant, rng: random.Random, **changes: Any) -> Row:
    """Add one definition and return it; ``changes`` replace generated fields."""
    number = changes.pop("id", None) or tenant.take_id()
    tenant.next_id = max(tenant.next_id, number + 1)
    scheduled = rng.random() < 0.5
    created = START + timedelta(minutes=rng.randrange(200_000), milliseconds=rng.randrange(1000))
    name = f"{rng.choice(PACE)} {rng.choice(WORK)} {number}"
    row: Row = {
        "id": number,
        "name": name,
        "description": rng.choice(("", f"Runs the {rng.choice(WORK)} for all bill cycles.")),
        "status": "Active",
        "interval": rng.choice(CRONS) if scheduled else rng.choice((None, "")),
        "timezone": rng.choice(ZONES) if scheduled else None,
        "calloutTrigger": rng.random() < 0.3,
        "ondemandTrigger": rng.random() < 0.6,
        "scheduledTrigger": scheduled,
        "createdAt": iso(created),
        "updatedAt": iso(created + timedelta(minutes=rng.randrange(60_000))),
        "priority": "Medium",
        "active_version": _version(tenant, "0.0.2", "Active") if rng.random() < 0.95 else None,
        "latest_inactive_verisons": [_version(tenant, "0.0.1", "Inactive")] if rng.random() < 0.4 else [],
    }
    row.update(changes)
    if row["active_version"] is None:
        del row["active_version"]
    tenant.workflows[number] = row
    return row


def add_run(tenant: Tenant, workflow_id: int, status: str, rng: random.Random, **changes: Any) -> Row:
    """Add one run of a workflow, with its tasks, and return it."""
    number = changes.pop("id", None) or tenant.take_id()
    tenant.next_id = max(tenant.next_id, number + 1)
    started = START + timedelta(minutes=rng.randrange(250_000))
    ended = started + timedelta(seconds=rng.randrange(5, 900))
    is_over = status in ("Finished", "Stopped")
    tasks = [_task(tenant, number, workflow_id, rng) for _ in range(rng.randrange(1, 5))]
    tenant.tasks += tasks
    statuses = [task["status"] for task in tasks]
    row: Row = {
        "id": number,
        "name": f"WF-{workflow_id}-{number:08d}",
        "originalWorkflowId": workflow_id,
        "type": "Workflow::Instance",
        "status": status,
        "tasks": {
            "total": len(tasks),
            **dict.fromkeys(("queued", "processing", "pending", "stopped"), 0),
            "success": statuses.count("Success"),
            "error": statuses.count("Error"),
        },
        "runTime": round((ended - started).total_seconds() + 0.5, 3),
        "cpuTime": "00:01:04",
        "createdAt": with_zone(started),
        "updatedAt": with_zone(ended),
        "finishedAt": with_zone(ended) if is_over else None,
    }
    row.update(changes)
    tenant.runs[number] = row
    return row


def iso(moment: datetime) -> str:
    """A moment as definitions carry it."""
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}Z"


def with_zone(moment: datetime) -> str:
    """A moment as runs carry it."""
    return f"{moment:%Y-%m-%d %H:%M:%S} UTC"


def _version(tenant: Tenant, number: str, status: str) -> Row:
    return {
        "id": tenant.take_id(),
        "version": number,
        "type": "Workflow::Setup",
        "status": status,
        "description": "",
    }


def _task(tenant: Tenant, run_id: int, workflow_id: int, rng: random.Random) -> Row:
    status = rng.choice(TASK_STATUSES)
    return {
        "id": tenant.take_id(),
        "name": f"Task of {run_id}",
        "instance": True,
        "action_type": "Callout",
        "object": "Account",
        "object_id": None,
        "call_type": "REST",
        "workflow_id": run_id,
        "original_workflow_id": workflow_id,
        "original_task_id": None,
        "task_id": None,
        "status": status,
        "error": "HTTP 500" if status == "Error" else None,
        "tags": [],
        "parameters": {},
        "data": {"payload": "not to be stored"},
    }
