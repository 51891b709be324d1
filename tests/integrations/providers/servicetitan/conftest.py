"""A served ServiceTitan, and credentials for it."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from pytest_django import Settings

from integrations.providers.servicetitan.models import ServiceTitanCredential
from integrations.providers.servicetitan.sandbox import ServiceTitanSandbox
from integrations.providers.servicetitan.sandbox.clients import default_client
from integrations.sandbox import SandboxRequest, SandboxServer
from tests.factories import AccountFactory

SLUG = "servicetitan"


class Titan:
    """The served simulator: what it holds, what goes wrong, what was asked of it."""

    def __init__(self, server: SandboxServer) -> None:
        self.server = server
        self.url = server.url_for(SLUG)
        self.mount = server.mounts[SLUG]

    @property
    def sandbox(self) -> ServiceTitanSandbox:
        """The simulator itself."""
        assert isinstance(self.mount.sandbox, ServiceTitanSandbox)
        return self.mount.sandbox

    def reset(self) -> None:
        """Forget everything."""
        self.sandbox.reset()
        self.mount.faults.clear(forget=True)
        self.mount.journal.clear()

    def seed(self, customers: int = 30, invoices: int = 20, **options: Any) -> dict[str, Any]:
        """Hold generated records, without hostile ones unless asked for."""
        return self.sandbox.seed(customers=customers, invoices=invoices, **{"hostile": False, **options})

    def sim(self, name: str, **body: Any) -> Any:
        """Make a control call, which must be accepted."""
        request = SandboxRequest("POST", f"/{name}", body=json.dumps(body).encode())
        response = self.sandbox.control(request)
        assert response is not None
        return json.loads(response.body)

    def hold(self, kind: str, *records: dict[str, Any]) -> None:
        """Hold these records of the first tenant besides the others."""
        self.sim("records", kind=kind, records=list(records))

    def fault(self, kind: str, path: str = "", **fields: Any) -> None:
        """Queue a fault for calls whose path has this part."""
        self.mount.faults.add({"kind": kind, "match": {"path": path}, **fields})

    def calls(self, part: str = "") -> list[dict[str, Any]]:
        """What was asked, oldest first, of paths that have this part."""
        entries = self.mount.journal.snapshot()["entries"]
        return [entry for entry in entries if part in entry["path"]]

    def queries(self, part: str) -> list[dict[str, str]]:
        """The queries of the calls of `calls`."""
        return [entry["summary"]["query"] for entry in self.calls(part)]


@pytest.fixture(scope="session")
def titan_server() -> Iterator[SandboxServer]:
    """One served simulator for all tests."""
    with SandboxServer([ServiceTitanSandbox()]) as server:
        yield server


@pytest.fixture
def titan(titan_server: SandboxServer, settings: Settings) -> Iterator[Titan]:
    """An empty ServiceTitan that the product is configured for."""
    served = Titan(titan_server)
    served.reset()
    for name, value in served.sandbox.environment(served.url).items():
        setattr(settings, name, value)
    settings.SERVICETITAN_REQUESTS_PER_SECOND = 60
    yield served
    served.reset()


MakeCredential = Callable[..., ServiceTitanCredential]


@pytest.fixture
def make_credential(db: None) -> MakeCredential:
    """Makes the credential of a generated tenant (`number` from 1) in an account of its own."""

    def make(number: int = 1, **fields: Any) -> ServiceTitanCredential:
        client = default_client(number, fields.get("environment", "integration"))
        known = {
            "tenant_id": client.tenant,
            "client_id": client.client_id,
            "client_secret": client.client_secret,
            "app_key": client.app_key,
        }
        account = fields.pop("account", None) or AccountFactory(
            name=f"Company {number}", subdomain=uuid.uuid4().hex
        )
        return ServiceTitanCredential.objects.create(account=account, **{**known, **fields})

    return make


@pytest.fixture
def credential(make_credential: MakeCredential) -> ServiceTitanCredential:
    """The first tenant's credential."""
    return make_credential()


@pytest.fixture(autouse=True)
def _long_leases(settings: Settings) -> None:
    """Leases that no test outlives: nothing is renewed meanwhile."""
    settings.JOB_LEASE_SECONDS = 600.0
