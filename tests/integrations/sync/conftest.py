"""A tiny stream of titles into circuits, a served shop for bulk streams, and runs to write under."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest
from django.db import connection

from accounts.models import Account
from circuits.models import Circuit
from integrations.http.errors import RecordError
from integrations.http.retry import RetryPolicy
from integrations.http.session import ApiSession
from integrations.models import Integration
from integrations.sandbox import SandboxServer
from integrations.sync import checks
from integrations.sync.records import Record
from integrations.sync.stream import Stream
from synclogs.models import SyncLog
from tests.factories import IntegrationFactory
from tests.integrations.sync.shop import ShopCustomer, ShopSandbox

TITLE = Circuit._meta.get_field("title")


class Titles(Stream):
    """Records of (key, title); the title "bad" cannot be taken."""

    name = "titles"
    model = Circuit
    key = "job_guid"
    stamped_on_change = ("last_synced_at", "updated_at")
    restored_by_clearing = "deleted_at"

    def parse(self, raw: Any, index: int) -> Record:
        key, title = raw
        if title == "bad":
            raise RecordError("it is bad", code="bad", field="title")
        return Record(key, {"title": checks.text(title, TITLE, "title")}, index)

    def columns(self) -> Sequence[str]:
        return ("title",)

    def source_id(self, raw: Any) -> str:
        return str(raw[0])

    def excerpt(self, raw: Any) -> str:
        return f"title={raw[1]!r} password=hunter2hunter2"


NewRun = Callable[[], SyncLog]


@pytest.fixture
def new_run(db: None) -> NewRun:
    """Opens a run."""

    def start() -> SyncLog:
        return SyncLog.start("titles", account=Account.objects.platform(), owner_token="mine")

    return start


def titles() -> dict[str, str]:
    """What is stored: title by key."""
    return dict(Circuit.objects.values_list("job_guid", "title"))


class Shop:
    """The served shop: what it holds and what was asked of it."""

    def __init__(self, server: SandboxServer) -> None:
        self.url = server.url_for("shop")
        self._mount = server.mounts["shop"]
        sandbox = self._mount.sandbox
        assert isinstance(sandbox, ShopSandbox)
        self.sandbox = sandbox

    def seed(self, customers: int) -> None:
        """Hold so many customers."""
        self.sandbox.seed(customers=customers)

    def reset(self) -> None:
        """Forget everything."""
        self.sandbox.reset()
        self._mount.faults.clear(forget=True)
        self._mount.journal.clear()

    def fault(self, kind: str, **params: Any) -> None:
        """Let something go wrong."""
        self._mount.faults.add({**params, "kind": kind})

    def asked(self, name: str = "page") -> list[str]:
        """The values of a parameter in the calls received, oldest first; "" where it was not given."""
        entries = self._mount.journal.snapshot()["entries"]
        return [entry["summary"].get(name, "") for entry in entries]

    def forget_calls(self) -> None:
        """Forget what was asked."""
        self._mount.journal.clear()


@pytest.fixture(scope="session")
def shop_server() -> Iterator[SandboxServer]:
    """One shop for the whole session."""
    with SandboxServer([ShopSandbox()]) as server:
        yield server


@pytest.fixture(scope="session")
def _shop_table(django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    with django_db_blocker.unblock():
        with connection.schema_editor() as editor:
            editor.create_model(ShopCustomer)
        yield
        with connection.schema_editor() as editor:
            editor.delete_model(ShopCustomer)


@pytest.fixture
def shop(shop_server: SandboxServer, _shop_table: None, db: None) -> Iterator[Shop]:
    """An empty shop, and an empty table for its customers."""
    served = Shop(shop_server)
    served.reset()
    ShopCustomer.objects.all().delete()
    yield served
    served.reset()


@pytest.fixture
def session(shop: Shop) -> Iterator[ApiSession]:
    """Calls to the shop: one attempt, no waiting."""
    with ApiSession(shop.url, provider="shop", retry=RetryPolicy(attempts=1)) as opened:
        yield opened


@pytest.fixture
def integration(db: None) -> Integration:
    """The connection whose cursors are moved."""
    return IntegrationFactory.create()
