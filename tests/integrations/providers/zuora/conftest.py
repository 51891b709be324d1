"""A served Zuora for its tests, and a client that is configured for it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from pytest_django import Settings

from integrations.http.limits import budget
from integrations.providers.zuora.access import Access
from integrations.providers.zuora.client import ZuoraClient
from integrations.providers.zuora.hosts import DataCenter
from integrations.providers.zuora.models import ZuoraCustomer
from integrations.providers.zuora.sandbox import DEFAULT_TENANTS, TenantLogin, ZuoraSandbox
from integrations.sandbox import SandboxRequest, SandboxServer
from tests.factories import AccountFactory

SLUG = "zuora"
ALDER, BIRCH = DEFAULT_TENANTS


class Zuora:
    """The served simulator: what it holds, what goes wrong, what was asked of it."""

    def __init__(self, server: SandboxServer) -> None:
        self.url = server.url_for(SLUG)
        self._mount = server.mounts[SLUG]
        sandbox = self._mount.sandbox
        assert isinstance(sandbox, ZuoraSandbox)
        self.sandbox = sandbox

    def reset(self) -> None:
        """Forget everything."""
        self.sandbox.reset()
        self._mount.faults.clear(forget=True)
        self._mount.journal.clear()

    def forget_calls(self) -> None:
        """Begin a new journal."""
        self._mount.journal.clear()

    def seed(self, workflows: int = 7, **options: Any) -> dict[str, Any]:
        """Hold generated workflows, without runs and hostile ones unless asked for."""
        return self.sandbox.seed(workflows=workflows, **{"hostile": False, "runs": 0, **options})

    def sim(self, path: str, body: Any, **query: str) -> dict[str, Any]:
        """Make a control call, which must be accepted."""
        parameters = {name: (value,) for name, value in query.items()}
        request = SandboxRequest("POST", f"/{path}", parameters, body=json.dumps(body).encode())
        response = self.sandbox.control(request)
        assert response is not None
        assert response.status < 300, response.body
        answer: dict[str, Any] = json.loads(response.body)
        return answer

    def fault(self, kind: str, path: str = "/workflows", **params: Any) -> None:
        """Let something go wrong with the wire of the next calls of this path."""
        self._mount.faults.add({"match": {"path": path}, **params, "kind": kind})

    def fail_next(self, shape: str, status: int, path: str = "/workflows", **more: Any) -> None:
        """Answer the next calls of this path with a failure of this shape."""
        self.sim("fail_next", {"shape": shape, "status": status, "path": path, **more})

    def calls(self, *names: str) -> list[dict[str, Any]]:
        """The calls received, oldest first: all, or those called `token`, `list`, `one`, `run`, ..."""
        entries = self._mount.journal.snapshot()["entries"]
        return [entry for entry in entries if not names or entry["summary"]["call"] in names]

    def max_in_flight(self) -> int:
        """The most calls at once since the journal began."""
        return self._mount.journal.counts()["max_in_flight"]

    def ids(self, client_id: str = ALDER.client_id) -> list[int]:
        """The ids of a tenant's workflows."""
        return sorted(self.sandbox.tenants[client_id].workflows)


@pytest.fixture(scope="session")
def zuora_server() -> Iterator[SandboxServer]:
    """One simulator for the whole session, on a free port."""
    with SandboxServer([ZuoraSandbox()]) as server:
        yield server


@pytest.fixture
def sleeps(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The seconds that the client would have waited, without waiting."""
    waits: list[float] = []
    monkeypatch.setattr("integrations.providers.zuora.client.sleep", waits.append)
    return waits


@pytest.fixture
def zuora(zuora_server: SandboxServer, settings: Settings, sleeps: list[float]) -> Iterator[Zuora]:
    """An empty Zuora that the product is configured for."""
    vendor = Zuora(zuora_server)
    vendor.reset()
    budget._shared.clear()
    settings.ZUORA_API_URL = vendor.url
    settings.JOB_LEASE_SECONDS = 600.0
    yield vendor
    vendor.reset()


@pytest.fixture
def access(zuora: Zuora) -> Access:
    """The first tenant's client."""
    return Access(zuora.url, ALDER.client_id, ALDER.client_secret)


@pytest.fixture
def client(access: Access) -> Iterator[ZuoraClient]:
    """A client of the first tenant, as a job has it."""
    with ZuoraClient(access) as opened:
        yield opened


MakeCustomer = Callable[..., ZuoraCustomer]


@pytest.fixture
def make_customer(db: None) -> MakeCustomer:
    """Makes customers, each of an account of its own unless told otherwise."""
    count = 0

    def make(login: TenantLogin = ALDER, **columns: Any) -> ZuoraCustomer:
        nonlocal count
        count += 1
        row = ZuoraCustomer(
            **{
                "account": columns.pop("account", None) or AccountFactory(),
                "name": f"Customer {count}",
                "base_url": DataCenter.US_CLOUD_2,
                "client_id": login.client_id,
                **columns,
            }
        )
        row.set_secret(login.client_secret)
        row.save()
        return row

    return make


@pytest.fixture
def customer(make_customer: MakeCustomer) -> ZuoraCustomer:
    """A customer of the first tenant."""
    return make_customer()
