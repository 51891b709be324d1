"""What is read out of Zuora's objects, and how it becomes the columns of our rows."""

from __future__ import annotations

from typing import Any

import msgspec

from integrations.http.errors import RecordError
from integrations.providers.zuora.timestamps import moment

_LARGEST_ID = 2**63


class ActiveVersion(msgspec.Struct):
    """The version of a workflow that runs."""

    id: int | None = None
    version: str | None = None
    status: str | None = None


class WorkflowRecord(msgspec.Struct):
    """A definition.

    The name of the inactive versions is misspelt on the wire; both spellings are read. Only a definition that
    was asked for by its id has a priority.
    """

    zuora_id: int = msgspec.field(name="id")
    name: str
    description: str | None = None
    status: str | None = None
    interval: str | None = None
    timezone: str | None = None
    callout_trigger: bool | None = msgspec.field(name="calloutTrigger", default=None)
    ondemand_trigger: bool | None = msgspec.field(name="ondemandTrigger", default=None)
    scheduled_trigger: bool | None = msgspec.field(name="scheduledTrigger", default=None)
    created_at: Any = msgspec.field(name="createdAt", default=None)
    updated_at: Any = msgspec.field(name="updatedAt", default=None)
    active_version: ActiveVersion | None = None
    misspelt_versions: list[Any] | None = msgspec.field(name="latest_inactive_verisons", default=None)
    inactive_versions: list[Any] | None = msgspec.field(name="latest_inactive_versions", default=None)
    priority: str | None = None


WORKFLOW_COLUMNS = (
    "name",
    "description",
    "status",
    "interval",
    "timezone",
    "callout_trigger",
    "ondemand_trigger",
    "scheduled_trigger",
    "source_created_at",
    "source_updated_at",
    "active_version_id",
    "active_version",
    "active_version_status",
    "inactive_versions",
)


def workflow_row(record: WorkflowRecord) -> tuple[Any, ...]:
    """The values of WORKFLOW_COLUMNS. Raises RecordError."""
    active = record.active_version or ActiveVersion()
    return (
        record.name,
        record.description or "",
        record.status or "",
        record.interval or "",
        record.timezone or "",
        bool(record.callout_trigger),
        bool(record.ondemand_trigger),
        bool(record.scheduled_trigger),
        moment(record.created_at, "createdAt"),
        moment(record.updated_at, "updatedAt"),
        active.id,
        active.version or "",
        active.status or "",
        record.misspelt_versions or record.inactive_versions or [],
    )


class TaskCounts(msgspec.Struct):
    """How many tasks of a run are in each state."""

    total: int = 0
    queued: int = 0
    processing: int = 0
    pending: int = 0
    stopped: int = 0
    success: int = 0
    error: int = 0


class RunRecord(msgspec.Struct):
    """A run. The workflow's id is text in Zuora's description and a number in its samples."""

    zuora_id: int = msgspec.field(name="id")
    name: str | None = None
    original_workflow_id: int | str | None = msgspec.field(name="originalWorkflowId", default=None)
    status: str | None = None
    tasks: TaskCounts | None = None
    run_time: float | None = msgspec.field(name="runTime", default=None)
    cpu_time: str | None = msgspec.field(name="cpuTime", default=None)
    created_at: Any = msgspec.field(name="createdAt", default=None)
    updated_at: Any = msgspec.field(name="updatedAt", default=None)
    finished_at: Any = msgspec.field(name="finishedAt", default=None)
    type: str | None = None


RUN_COLUMNS = (
    "name",
    "original_workflow_id",
    "status",
    "tasks_total",
    "tasks_queued",
    "tasks_processing",
    "tasks_pending",
    "tasks_stopped",
    "tasks_success",
    "tasks_error",
    "has_errors",
    "run_time_seconds",
    "cpu_time",
    "source_created_at",
    "source_updated_at",
    "finished_at",
)


def run_row(record: RunRecord) -> tuple[Any, ...]:
    """The values of RUN_COLUMNS. Raises RecordError."""
    tasks = record.tasks or TaskCounts()
    return (
        record.name or "",
        _id(record.original_workflow_id, "originalWorkflowId"),
        record.status or "",
        tasks.total,
        tasks.queued,
        tasks.processing,
        tasks.pending,
        tasks.stopped,
        tasks.success,
        tasks.error,
        tasks.error > 0,
        record.run_time,
        record.cpu_time or "",
        moment(record.created_at, "createdAt"),
        moment(record.updated_at, "updatedAt"),
        moment(record.finished_at, "finishedAt"),
    )


class TaskRecord(msgspec.Struct):
    """What of a task is read: to which run it belongs. Its payload may be personal and is not kept."""

    workflow_id: int | str | None = None


def _id(value: int | str | None, source: str) -> int | None:
    """A whole number, also as text; None when there is none. Raises RecordError."""
    if value is None or value == "":
        return None
    text = str(value)
    if not (text.isascii() and text.isdecimal()) or int(text) >= _LARGEST_ID:
        raise RecordError(f"{source} is no id: {text[:40]}", code="wrong_type", field=source)
    return int(text)


def run_id_of(task: TaskRecord) -> int | None:
    """The run that a task belongs to; None where it says nothing that could be asked for."""
    try:
        return _id(task.workflow_id, "workflow_id")
    except RecordError:
        return None
