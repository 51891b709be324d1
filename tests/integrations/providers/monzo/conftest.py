"""A simulated Monzo, somebody who is connected to it, and a way to run what is queued."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from accounts.models import Account, User
from integrations.jobs.runner import run_job
from integrations.models import Credential, CredentialStatus, Event, Integration, OAuthApplication
from integrations.providers.monzo.connecting import connected
from integrations.providers.monzo.sandbox import MonzoSandbox
from integrations.providers.monzo.sandbox.generator import OWNER
from integrations.providers.monzo.sandbox.tokens import CLIENT_ID, CLIENT_SECRET, DEMO_ACCESS, Grant
from integrations.sandbox import SandboxServer
from synclogs.models import Job, JobStatus, SyncLog
from tests.factories import AccountFactory, UserFactory


class Monzo:
    """The simulated bank and the account that is connected to it."""

    def __init__(self, server: SandboxServer) -> None:
        self.server = server
        self.mount = server.mounts["monzo"]
        sandbox = self.mount.sandbox
        assert isinstance(sandbox, MonzoSandbox)
        self.sandbox = sandbox
        self.url = server.url_for("monzo")

    @property
    def bank(self) -> Any:
        return self.sandbox.bank

    def seed(self, months: int = 2, per_month: int = 10) -> None:
        self.sandbox.seed(months=months, per_month=per_month)

    def log_in(self, *, approved: bool = True) -> Grant:
        """A consent of the owner, as after the pages of the vendor."""
        code = self.sandbox.tokens.new_code(OWNER, CLIENT_ID, "http://localhost/back")
        grant = self.sandbox.tokens.exchange(code, CLIENT_ID, "http://localhost/back")
        grant.approved_at = self.sandbox.clock.now() if approved else None
        return grant

    def approved_ago(self, ago: timedelta) -> None:
        """The owner's approval was so long ago."""
        self.grants()[0].approved_at = self.sandbox.clock.now() - ago

    def grants(self) -> list[Grant]:
        """The consents that a test made, without the one for demonstrations."""
        return [each for each in self.sandbox.tokens.grants if each.access_token != DEMO_ACCESS]

    def account(self, kind: str) -> dict[str, Any]:
        """The owner's account of this kind."""
        found: dict[str, Any] = next(each for each in self.bank.accounts_of(OWNER) if each["type"] == kind)
        return found

    def paths(self) -> list[str]:
        """The calls that came, in order."""
        return [f"{each['method']} {each['path']}" for each in self.mount.journal.snapshot()["entries"]]

    def fault(self, **fault: Any) -> None:
        self.mount.faults.add(fault)


@pytest.fixture
def monzo(settings: Any) -> Iterator[Monzo]:
    """Monzo on a port of its own, empty."""
    settings.JOB_LEASE_SECONDS = 60.0  # no renewal: it would wait for the test's own transaction
    with SandboxServer([MonzoSandbox()]) as server:
        bank = Monzo(server)
        settings.MONZO_API_BASE, settings.MONZO_AUTH_BASE = bank.url, f"{bank.url}/auth"
        yield bank


@pytest.fixture
def application(db: None) -> OAuthApplication:
    return OAuthApplication.objects.create(
        account=Account.objects.platform(),
        provider="monzo",
        client_id=CLIENT_ID,
        secrets={"client_secret": CLIENT_SECRET},
    )


@pytest.fixture
def owner(db: None) -> User:
    row: User = UserFactory(groups=["sudo_admin"])
    return row


@pytest.fixture
def credential(monzo: Monzo, application: OAuthApplication, owner: User) -> Credential:
    """The owner's consent, approved, without any connection yet."""
    grant = monzo.log_in()
    return Credential.objects.create(
        account=AccountFactory(),
        user=owner,
        provider="monzo",
        kind="oauth2",
        external_id=OWNER,
        status=CredentialStatus.ACTIVE,
        secrets={"access_token": grant.access_token, "refresh_token": grant.refresh_token},
        expires_at=grant.expires_at,
        auth_metadata={"application": application.pk, "expires_in": 21_600},
    )


@pytest.fixture
def connections(credential: Credential) -> dict[str, Integration]:
    """The connections of the credential, by what they bring; their history is not read."""
    connected(credential)
    Job.objects.all().delete()
    return {each.instance_type: each for each in Integration.objects.filter(credential=credential)}


def work() -> dict[str, int]:
    """Run every due job until there is none; the number of jobs by how they ended."""
    done: dict[str, int] = {}
    for _ in range(500):
        due = Job.objects.filter(
            status__in=(JobStatus.QUEUED, JobStatus.RETRY_WAIT), run_at__lte=timezone.now()
        )
        job = due.order_by("created_at").first()
        if job is None:
            return done
        outcome = run_job(str(job.pk))
        done[outcome] = done.get(outcome, 0) + 1
    raise AssertionError("the queue does not get empty")


def last_run(sync_type: str) -> SyncLog:
    return SyncLog.objects.filter(sync_type=sync_type).latest("started_at")


def event(source_id: str) -> Event:
    return Event.objects.get(source_id=source_id)
