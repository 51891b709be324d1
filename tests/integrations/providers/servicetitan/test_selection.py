"""Which credentials are synced, and in which order."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from accounts.models import AccountStatus
from integrations.providers.servicetitan.models import CredentialState
from synclogs.models import Job, SyncLog
from tests.factories import JobFactory
from tests.integrations.providers.servicetitan.conftest import MakeCredential
from tests.integrations.providers.servicetitan.syncing import (
    run,
)

pytestmark = pytest.mark.django_db(transaction=True)


class TestSelection:
    """Which credentials are synced, and in which order."""

    def found(self, *args: str) -> list[str]:
        lines = run(*args, "--dry-run").lines
        return [line.removeprefix("Would sync both for ").partition(" (")[0] for line in lines[1:]]

    def test_never_synced_first_then_the_oldest_success(self, make_credential: MakeCredential) -> None:
        now = timezone.now()
        make_credential(1, last_successful_sync_at=now - timedelta(hours=1))
        make_credential(2, last_successful_sync_at=now - timedelta(hours=2))
        make_credential(3)
        assert self.found() == ["Company 3", "Company 2", "Company 1"]

    def test_what_is_not_to_be_synced_is_left_out(self, make_credential: MakeCredential) -> None:
        make_credential(1, scheduled_sync_enabled=False)
        make_credential(2, status=CredentialState.NEEDS_ATTENTION)
        make_credential(3, status=CredentialState.DISABLED)
        expired = make_credential(4)
        expired.account.status = AccountStatus.EXPIRED
        expired.account.save()
        grace = make_credential(5)
        grace.account.status = AccountStatus.GRACE
        grace.account.save()
        paused = make_credential(6)
        paused.integration.paused = True
        paused.integration.save()
        busy = make_credential(7)
        SyncLog.objects.start(
            "both", account=busy.account, integration=busy.integration, lock_key=busy.lock_key
        )
        assert self.found() == ["Company 5"]

    def test_a_run_whose_process_died_does_not_block(self, make_credential: MakeCredential) -> None:
        credential = make_credential()
        lapsed = timezone.now() - timedelta(seconds=1)
        job = JobFactory(account=credential.account, running=True, lease_until=lapsed)
        connection, key = credential.integration, credential.lock_key
        SyncLog.objects.start(
            "both", account=credential.account, integration=connection, lock_key=key, job=job
        )
        assert self.found() == ["Company 1"]
        Job.objects.update(lease_until=timezone.now() + timedelta(minutes=1))
        assert self.found() == []

    def test_an_interval_is_kept_unless_a_credential_is_named(self, make_credential: MakeCredential) -> None:
        early = timezone.now() - timedelta(minutes=10)
        credential = make_credential(1, sync_interval_minutes=30, last_sync_started_at=early)
        make_credential(2, sync_interval_minutes=5, last_sync_started_at=early)
        make_credential(3, sync_interval_minutes=30)
        assert sorted(self.found()) == ["Company 2", "Company 3"]
        assert self.found(f"--credential-id={credential.pk}") == ["Company 1"]
        credential.switch(CredentialState.DISABLED)
        assert self.found(f"--credential-id={credential.pk}") == []

    def test_filters_hold_all_at_once(self, make_credential: MakeCredential) -> None:
        first = make_credential(1)
        make_credential(1, account=first.account, environment="production")
        second = make_credential(2)
        assert self.found("-e", "production") == ["Company 1"]
        assert self.found(f"-c={second.account_id}") == ["Company 2"]
        assert self.found("-e", "production", "-c", str(second.account_id)) == []
        assert self.found("--company-id=999999") == []

    def test_queries_do_not_grow_with_the_credentials(
        self, make_credential: MakeCredential, django_assert_max_num_queries: Any
    ) -> None:
        for number in range(1, 8):
            make_credential(number)
        with django_assert_max_num_queries(3):
            assert len(self.found()) == 7
