"""A database whose transactions really commit, emptied by hand: quicker than truncating every table."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.db import connection
from django.test import TransactionTestCase
from django_q.models import OrmQ, Task

from accounts.models import Account
from accounts.models.account import PLATFORM_SUBDOMAIN
from integrations.models import Integration
from synclogs.models import CommandExecution, Job, JobAttempt, LiveEvent, SyncIssue, SyncLog, WorkerHeartbeat

LEDGER = (SyncIssue, JobAttempt, SyncLog, Job, LiveEvent, CommandExecution, WorkerHeartbeat, OrmQ, Task)


def empty_ledger(*args: Any) -> None:
    """Deletes what jobs and their tests write."""
    for model in LEDGER:
        model._base_manager.all().delete()
    Integration.objects.all().delete()
    Account.objects.exclude(subdomain=PLATFORM_SUBDOMAIN).delete()
    get_user_model()._default_manager.all().delete()
    connection.close()


@pytest.fixture
def _empty_by_hand() -> Iterator[None]:
    """Replaces Django's way to empty the database; set up before the database and torn down after it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TransactionTestCase, "_fixture_teardown", empty_ledger)
        yield


@pytest.fixture
def committed(_empty_by_hand: None, transactional_db: None) -> None:
    """Access to the database outside of any transaction."""
