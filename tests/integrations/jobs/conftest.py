"""Accounts, connections, claims and a clock for jobs under test."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from uuid import UUID

import pytest
from django.utils import timezone
from pytest_django.fixtures import Settings

from accounts.models import Account
from integrations.jobs import runner
from integrations.jobs.claim import Claim, claim
from integrations.models import Integration
from synclogs.models import Job
from tests.factories import AccountFactory, IntegrationFactory
from tests.integrations.jobs import testjobs  # noqa: F401
from tests.integrations.jobs.committed import _empty_by_hand, committed  # noqa: F401

LEASE_SECONDS = 0.4


class Clock:
    """The clock that waits are measured with, under the test's control."""

    def __init__(self, now: datetime) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self.now += timedelta(seconds=seconds)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """A clock that stands still. Leases go by the database's own."""
    standing = Clock(timezone.now())
    monkeypatch.setattr("django.utils.timezone.now", standing)
    return standing


@pytest.fixture
def short_lease(settings: Settings) -> float:
    """Leases that lapse within the test; the seconds."""
    settings.JOB_LEASE_SECONDS = LEASE_SECONDS
    return LEASE_SECONDS


@pytest.fixture
def account(db: None) -> Account:
    """A tenant."""
    return AccountFactory()


@pytest.fixture
def connection_of(account: Account) -> Integration:
    """A connection of the tenant."""
    return IntegrationFactory(account=account, provider="tests", instance_type="tests")


@pytest.fixture
def claim_of() -> Callable[[Job], Claim]:
    """Claims a job that can be claimed."""

    def claimed(job: Job) -> Claim:
        held = claim(job.pk)
        assert held is not None
        return held

    return claimed


def run(job: Job | UUID) -> str:
    """What django-q2 does with a delivered id; returns what became of it."""
    return runner.run_job(str(job.pk if isinstance(job, Job) else job))
