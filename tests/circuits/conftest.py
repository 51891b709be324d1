"""A served WorkStudio for circuit tests, and short ways to sync from it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone
from pytest_django import Settings

from circuits import services
from circuits.statuses import ApiStatus
from circuits.workstudio.sandbox import PASSWORD, SERVICE_USERNAME, WorkStudioSandbox
from circuits.workstudio.sandbox.columns import CIRCUIT_COLUMNS
from integrations.jobs.runner import run_job
from integrations.sandbox import SandboxRequest, SandboxServer
from synclogs.models import Job, JobStatus, SyncLog
from synclogs.progress import Reporter, SilentReporter

FIXTURES = Path(__file__).parents[1] / "fixtures"
SLUG = "workstudio"


def sample(name: str) -> dict[str, Any]:
    """A reply as the real server sends it."""
    document: dict[str, Any] = json.loads((FIXTURES / f"workstudio_{name}.json").read_text())
    return document


class WorkStudio:
    """The served simulator: what it holds, what goes wrong, what was asked of it."""

    def __init__(self, server: SandboxServer) -> None:
        self.server = server
        self.url = server.url_for(SLUG)
        self._mount = server.mounts[SLUG]

    def reset(self) -> None:
        """Forget everything."""
        self._mount.sandbox.reset()
        self._mount.faults.clear(forget=True)
        self._mount.journal.clear()

    def seed(self, circuits: int = 40, **options: Any) -> dict[str, Any]:
        """Hold generated circuits, without hostile ones unless asked for."""
        return self._mount.sandbox.seed(
            circuits=circuits, **{"hostile": False, "polygon_points": 0, **options}
        )

    def load(self, name: str) -> None:
        """Hold a sample."""
        self.sim("load", sample(name))

    def hold(self, *circuits: dict[str, Any]) -> None:
        """Hold these circuits besides the others; a key is a heading."""
        self.sim("circuits", list(circuits))

    def sim(self, path: str, body: Any) -> dict[str, Any]:
        """Make a control call, which must be accepted."""
        request = SandboxRequest("POST", f"/{path}", body=json.dumps(body).encode())
        response = self._mount.sandbox.control(request)
        assert response is not None
        assert response.status < 300, response.body
        answer: dict[str, Any] = json.loads(response.body)
        return answer

    def fault(self, kind: str, **params: Any) -> None:
        """Let something go wrong; view calls only, unless `match` says otherwise."""
        self._mount.faults.add({"match": {"path": "GETVIEWDATA"}, **params, "kind": kind})

    def answer(self, body: Any, **params: Any) -> None:
        """Answer the next view call with this body, JSON or text, and HTTP 200."""
        self.fault("status", status=200, body=body, **params)

    def answer_rows(self, *rows: dict[str, Any], heading: list[str] | None = None, **params: Any) -> None:
        """Answer the next view call with these rows under the columns that they name."""
        columns = heading or list(dict.fromkeys(name for row in rows for name in row))
        data = [[row.get(name) for name in columns] for row in rows]
        self.answer({"Protocol": "DATASET", "DataSet": {"Heading": columns, "Data": data}}, **params)

    def clear_faults(self) -> None:
        """Let everything go well from now on."""
        self._mount.faults.clear()

    def clear_journal(self) -> None:
        """Forget the calls received so far."""
        self._mount.journal.clear()

    def calls(self) -> list[dict[str, Any]]:
        """The protocol calls received, oldest first."""
        entries = self._mount.journal.snapshot()["entries"]
        return [entry for entry in entries if "ddoprotocol" in entry["path"].lower()]

    def asked(self) -> list[str]:
        """The filter values of the view calls received, oldest first."""
        return [entry["summary"]["value"] for entry in self.calls() if "value" in entry["summary"]]


@pytest.fixture(scope="session")
def workstudio_server() -> Iterator[SandboxServer]:
    """One simulator for the whole session, on a free port."""
    with SandboxServer([WorkStudioSandbox()]) as server:
        yield server


@pytest.fixture
def sleeps(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The seconds that the client would have waited, without waiting."""
    waits: list[float] = []
    monkeypatch.setattr("circuits.workstudio.client.sleep", waits.append)
    return waits


@pytest.fixture
def workstudio(
    workstudio_server: SandboxServer, settings: Settings, sleeps: list[float]
) -> Iterator[WorkStudio]:
    """An empty WorkStudio that the product is configured for."""
    studio = WorkStudio(workstudio_server)
    studio.reset()
    settings.WORKSTUDIO_API_URL = f"{studio.url}/DDOProtocol/"
    settings.WORKSTUDIO_USERNAME = SERVICE_USERNAME
    settings.WORKSTUDIO_PASSWORD = PASSWORD
    settings.JOB_LEASE_SECONDS = 600.0
    yield studio
    studio.reset()


Sync = Callable[..., SyncLog]


@pytest.fixture
def sync(workstudio: WorkStudio, db: None) -> Sync:
    """Sync statuses (default ACTIV) in this process; returns the run."""

    def run(*statuses: str, reporter: Reporter | None = None) -> SyncLog:
        chosen = [ApiStatus(status) for status in statuses or ("ACTIV",)]
        job, _ = services.sync_circuits_now(chosen, reporter or SilentReporter())
        return SyncLog.objects.get(job=job)

    return run


def job_of(run: SyncLog) -> Job:
    """The job of a run, as it stands now."""
    return Job.objects.get(started_runs=run)


def let_lapse(run: SyncLog) -> None:
    """Let the lease of the run's job run out, as time would after its process died."""
    Job.objects.filter(started_runs=run).update(lease_until=timezone.now() - timedelta(seconds=1))


def work_off(job: Job) -> None:
    """Do a job as a worker would; it must succeed."""
    run_job(str(job.pk))
    job.refresh_from_db()
    assert job.status == JobStatus.SUCCEEDED


def take_up(run: SyncLog) -> None:
    """Let another process take up a run whose process was killed; it must end well."""
    let_lapse(run)
    work_off(job_of(run))
    run.refresh_from_db()


def circuit_row(guid: str = "guid-1", **cells: Any) -> dict[str, Any]:
    """A small row of the circuits view; keys are headings."""
    row = {
        "SS_JOBGUID": guid,
        "SS_WO": "2026-4107",
        "SS_EXT": "@",
        "SS_TITLE": "ALDER GROVE",
        "WSREQ_STATUS": "ACTIV",
        "REGION": "North Fork",
        **cells,
    }
    assert set(row) <= set(CIRCUIT_COLUMNS)
    return row
