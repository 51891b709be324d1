"""The simulated WorkStudio server, over real HTTP, and short ways to call it."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from circuits.workstudio.sandbox import (
    PASSWORD,
    REGIONAL_USERNAME,
    SERVICE_USERNAME,
    WorkStudioSandbox,
)
from integrations.sandbox import SandboxServer

FIXTURES = Path(__file__).parents[3] / "fixtures"
ASSESSMENTS = "{A856F956-88DF-4807-90E2-7E12C25B5B32}"
PLANNED_UNITS = "{985AECEF-D75B-40F3-9F9B-37F21C63FF4A}"
STATUSES = ("ACTIV", "QC", "REWRK", "CLOSE")
SERVICE = (SERVICE_USERNAME, PASSWORD)
REGIONAL = (REGIONAL_USERNAME, PASSWORD)
GUID = re.compile(r"^\{[0-9A-F]{8}(-[0-9A-F]{4}){3}-[0-9A-F]{12}\}$")

Row = dict[str, Any]


def fixture(name: str) -> dict[str, Any]:
    """Return a captured reply."""
    document: dict[str, Any] = json.loads((FIXTURES / name).read_text())
    return document


class WorkStudio:
    """A served sandbox and short ways to call it."""

    def __init__(self, url: str) -> None:
        self.url = url

    def post(self, path: str = "DDOProtocol/GETVIEWDATA", **kwargs: Any) -> requests.Response:
        return requests.post(f"{self.url}/{path}", timeout=10, **{"auth": SERVICE, **kwargs})

    def view(self, view: str, name: str, value: Any, **kwargs: Any) -> requests.Response:
        body = {
            "Protocol": "GETVIEWDATA",
            "ViewDefinitionGuid": view,
            "ViewFilter": {"FilterName": name, "FilterValue": value, "ClassName": "TViewFilter"},
            "ResultFormat": "DDOTable",
        }
        return self.post(json=body, **kwargs)

    def table(self, status: str, **kwargs: Any) -> dict[str, Any]:
        """Return heading and data of a status."""
        reply = self.view(ASSESSMENTS, "By Job Status", status, **kwargs)
        assert reply.status_code == 200, reply.text
        table: dict[str, Any] = json.loads(reply.content)["DataSet"]
        return table

    def rows(self, status: str, **kwargs: Any) -> list[Row]:
        """Return the rows of a status by heading; short ones lack their last columns."""
        table = self.table(status, **kwargs)
        return [dict(zip(table["Heading"], row, strict=False)) for row in table["Data"]]

    def units(self, work_order: str) -> list[Row]:
        """Return the planned units of a work order by heading."""
        table = self.view(PLANNED_UNITS, "WO#", work_order).json()["DataSet"]
        return [dict(zip(table["Heading"], row, strict=True)) for row in table["Data"]]

    def sim(self, path: str, body: Any = None, *, method: str = "POST") -> Any:
        """Call the control API, which must accept the call."""
        reply = requests.request(method, f"{self.url}/_sim/{path}", json=body, timeout=10)
        assert reply.status_code < 300, reply.text
        return reply.json()

    def refused(self, path: str, body: Any) -> str:
        """Call the control API, which must refuse the call; return why."""
        reply = requests.post(f"{self.url}/_sim/{path}", json=body, timeout=10)
        assert reply.status_code in (400, 404), reply.text
        return str(reply.json()["error"])


@pytest.fixture(scope="module")
def server() -> Iterator[SandboxServer]:
    with SandboxServer([WorkStudioSandbox()]) as running:
        yield running


@pytest.fixture
def empty(server: SandboxServer) -> WorkStudio:
    """A server without data."""
    workstudio = WorkStudio(server.url_for("workstudio"))
    workstudio.sim("reset")
    return workstudio


@pytest.fixture
def seeded(empty: WorkStudio) -> WorkStudio:
    """A server with 300 sound circuits whose polygons are small."""
    empty.sim("seed", {"circuits": 300, "polygon_points": 6})
    return empty


@pytest.fixture
def loaded(empty: WorkStudio) -> WorkStudio:
    """A server that holds the captured replies."""
    empty.sim("load", fixture("workstudio_circuits.json"))
    empty.sim("load", fixture("workstudio_planned_units.json"))
    return empty
