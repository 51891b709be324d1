"""A phone that is connected, and what it delivers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.test import Client

from accounts.models import Account, User
from integrations.jobs.runner import run_job
from integrations.models import Credential, Integration, WebhookDelivery
from integrations.webhooks.keys import create_key
from synclogs.models import WAITING_JOB_STATUSES, Job, SyncLog
from tests.factories import AccountFactory, UserFactory

FIXTURES = Path(settings.BASE_DIR) / "tests" / "fixtures" / "apple_health"


def fixture(name: str) -> bytes:
    """A made-up export: `metrics` or `workouts`."""
    return (FIXTURES / f"apple_health_{name}.json").read_bytes()


class Phone:
    """A phone with the app, connected with one credential to one or both kinds of data."""

    def __init__(self, account: Account, owner: User, *instance_types: str) -> None:
        self.credential = Credential.objects.create(
            account=account, user=owner, provider="apple_health", kind="webhook", label="Phone", secrets={}
        )
        self.connections = {
            instance_type: Integration.objects.create(
                account=account,
                user=owner,
                credential=self.credential,
                provider="apple_health",
                instance_type=instance_type,
                name=f"Apple Health {instance_type}",
            )
            for instance_type in instance_types
        }
        self.key = create_key(self.credential)

    def post(self, body: bytes, **headers: str) -> Any:
        """Deliver a body; headers as `automation_aggregation="Days"`."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        path = f"/webhooks/apple_health/{self.key}/"
        return Client().post(path, body, content_type="application/json", headers=named)

    def deliver(self, body: bytes, **headers: str) -> SyncLog:
        """Deliver a body, let the workers have it, and return its run."""
        answer = self.post(body, **headers).json()
        run_waiting()
        return SyncLog.objects.get(job__args__delivery=answer["delivery_id"])

    @property
    def delivery(self) -> WebhookDelivery:
        """The newest one."""
        return WebhookDelivery.objects.filter(credential=self.credential).latest("received_at")


def run_waiting() -> list[str]:
    """Run every job that waits, and those that these make."""
    done = []
    while waiting := list(Job.objects.filter(status__in=WAITING_JOB_STATUSES).order_by("created_at", "pk")):
        done += [run_job(str(job.pk)) for job in waiting]
    return done


@pytest.fixture
def owner(db: None) -> User:
    """Whose phone it is."""
    user: User = UserFactory(accounts=[AccountFactory()])
    return user


@pytest.fixture
def phone(owner: User) -> Phone:
    """Both kinds of data."""
    return Phone(owner.membership_set.get().account, owner, "metrics", "workouts")
