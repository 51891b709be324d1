"""The simulated Workflow API of one tenant: what each path answers."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime
from typing import Any

from integrations.providers.zuora.sandbox.behavior import Behavior
from integrations.providers.zuora.sandbox.tenants import Row, Tenant
from integrations.sandbox import SandboxRequest, SandboxResponse

DEFAULT_LENGTH, MAX_WORKFLOWS, MAX_TASKS = 20, 50, 100
FOREIGN_HOST = "https://rest.zuora.com"
LIST_PARAMETERS = frozenset(
    {"page", "page_length", "name", "callout_trigger", "ondemand_trigger", "scheduled_trigger", "interval"}
)
TASK_PARAMETERS = frozenset(
    {"page", "page_length", "id", "name", "instance", "action_type", "object", "object_id", "call_type"}
    | {"workflow_id", "tags[]"}
)
TRIGGERS = {
    "callout_trigger": "calloutTrigger",
    "ondemand_trigger": "ondemandTrigger",
    "scheduled_trigger": "scheduledTrigger",
}
MISSPELT, SPELT = "latest_inactive_verisons", "latest_inactive_versions"
_PATHS = (
    ("list", re.compile(r"/workflows/?")),
    ("tasks", re.compile(r"/workflows/tasks/?")),
    ("run", re.compile(r"/workflows/workflow_runs/(?P<id>[^/]+)/?")),
    ("versions", re.compile(r"/workflows/(?P<id>[^/]+)/versions/?")),
    ("one", re.compile(r"/workflows/(?P<id>[^/]+)/?")),
)


def route(path: str) -> tuple[str, str]:
    """Which call a path is, and the id in it; an empty name for none."""
    for name, pattern in _PATHS:
        match = pattern.fullmatch(path)
        if match:
            return name, match.groupdict().get("id", "")
    return "", ""


def violations(request: SandboxRequest, name: str) -> list[str]:
    """What a careful client would not do: unknown parameters, pages beyond the maximum."""
    known = {"list": LIST_PARAMETERS, "tasks": TASK_PARAMETERS}.get(name, frozenset())
    found = [f"unknown parameter {parameter!r}" for parameter in request.query if parameter not in known]
    longest = {"list": MAX_WORKFLOWS, "tasks": MAX_TASKS}.get(name)
    length = request.parameter("page_length")
    if longest is not None and length.isdecimal() and int(length) > longest:
        found.append(f"page_length {length} is over {longest}")
    return found


class WorkflowApi:
    """Answers the calls of one tenant.

    Args:
        tenant: what it holds.
        behavior: how the wire looks.
        url: the address that ``next_page`` begins with.
        page_read: called with the number of each page of the list once it is made.
    """

    def __init__(
        self, tenant: Tenant, behavior: Behavior, url: str, page_read: Callable[[int], None]
    ) -> None:
        self._tenant = tenant
        self._behavior = behavior
        self._url = url
        self._page_read = page_read

    def answer(self, request: SandboxRequest, name: str, number: str) -> SandboxResponse:
        """The reply to one call."""
        if name == "list":
            return self._list(request)
        if name == "tasks":
            return self._tasks(request)
        if not number.isdecimal():
            return _error(400, "invalid", f"'{number[:40]}' is not an id")
        if name == "run":
            run = self._tenant.runs.get(int(number))
            return SandboxResponse.json(self._run(run)) if run else _error(404, "not_found", "Run not found")
        row = self._tenant.workflows.get(int(number))
        if row is None:
            return SandboxResponse.json({"errors": ["Workflow not found"]}, 404)
        if name == "versions":
            versions = [row["active_version"]] if "active_version" in row else []
            return SandboxResponse.json({"data": [*versions, *row[MISSPELT]]})
        return SandboxResponse.json(self._definition(row, listed=False))

    def _list(self, request: SandboxRequest) -> SandboxResponse:
        rows = [row for row in self._tenant.listed() if _matches(row, request)]
        reply, page = self._page(request, rows, MAX_WORKFLOWS, "/workflows")
        reply["data"] = [self._definition(row, listed=True) for row in reply["data"]]
        self._page_read(page)
        return SandboxResponse.json(reply)

    def _tasks(self, request: SandboxRequest) -> SandboxResponse:
        rows = self._tenant.tasks
        for name in ("instance", "workflow_id", "id", "name"):
            wanted = request.parameter(name)
            if wanted:
                rows = [row for row in rows if str(row.get(name)).lower() == wanted.lower()]
        reply, _ = self._page(request, rows, MAX_TASKS, "/workflows/tasks")
        return SandboxResponse.json(reply)

    def _page(self, request: SandboxRequest, rows: list[Row], longest: int, path: str) -> tuple[Row, int]:
        page = _positive(request.parameter("page"), 1)
        length = min(_positive(request.parameter("page_length"), DEFAULT_LENGTH), longest)
        part = rows[(page - 1) * length : page * length]
        pagination: Row = {"page": page, "page_length": len(part)}
        if page * length < len(rows):
            base = FOREIGN_HOST if self._behavior.next_page == "foreign" else self._url
            pagination["next_page"] = f"{base}{path}?page={page + 1}&page_length={length}"
        elif self._behavior.next_page == "null":
            pagination["next_page"] = None
        return {"data": part, "pagination": pagination}, page

    def _definition(self, row: Row, *, listed: bool) -> Row:
        shown = {**row}
        for name in ("createdAt", "updatedAt"):
            if isinstance(shown.get(name), str):
                shown[name] = _dated(shown[name], self._behavior.dates)
        versions = shown.pop(MISSPELT, None)
        if listed:
            shown.pop("priority", None)
            if versions is not None:
                shown[MISSPELT if self._behavior.spelling == "wire" else SPELT] = versions
        return shown

    def _run(self, row: Row) -> Row:
        original = row["originalWorkflowId"]
        return {
            **row,
            "originalWorkflowId": str(original) if self._behavior.original_id == "str" else original,
        }


def _matches(row: Row, request: SandboxRequest) -> bool:
    for parameter, name in TRIGGERS.items():
        wanted = request.parameter(parameter)
        if wanted and str(row.get(name, "")).lower() != wanted.lower():
            return False
    return all(
        not (wanted := request.parameter(name)) or row.get(name) == wanted for name in ("name", "interval")
    )


def _positive(text: str, default: int) -> int:
    return int(text) if text.isdecimal() and int(text) > 0 else default


def _dated(text: str, style: str) -> str:
    if style == "iso":
        return text
    moment = datetime.fromisoformat(text)
    return f"{moment:%Y-%m-%d %H:%M:%S}{' UTC' if style == 'utc' else ''}"


def _error(status: int, code: str, title: str) -> SandboxResponse:
    body: dict[str, Any] = {"errors": [{"status": 400, "code": code, "title": title}]}
    return SandboxResponse.json(body, status)
