"""Which connections are polled, when, and by how many at once."""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import Account, AccountStatus
from integrations.jobs.connection_health import frequency
from integrations.models import Credential, CredentialStatus, Integration
from integrations.polling import checker, fetching, starting
from integrations.polling.checker import CheckIntegrationUpdates, check_all
from integrations.polling.eligibility import Busy, Skip, busy_connections, why_not
from synclogs.models import Job, JobStatus, SyncLog, SyncTrigger
from tests.diary.jobs import DiaryEntryPull, DiaryHistoricalData
from tests.diary.sandbox import DiarySandbox
from tests.integrations.jobs.conftest import Clock
from tests.integrations.jobs.staged.conftest import run, run_waiting

pytestmark = pytest.mark.django_db

NOBODY = Busy(frozenset(), frozenset())
MINUTE = timedelta(minutes=1)


def reason(diary: Integration, **changes: Any) -> Skip | None:
    """Why the connection is not polled now, after these changes."""
    for name, value in changes.items():
        setattr(diary, name, value)
    return why_not(diary, timezone.now(), NOBODY)


def test_a_connection_that_never_worked_is_due(diary: Integration) -> None:
    assert reason(diary) is None


@pytest.mark.parametrize("changes", [{"paused": True}, {"deleted_at": timezone.now()}])
def test_one_that_is_switched_off_is_not(diary: Integration, changes: dict[str, Any]) -> None:
    assert reason(diary, **changes) is Skip.INACTIVE


@pytest.mark.parametrize("status", [s for s in CredentialStatus if s != CredentialStatus.ACTIVE])
def test_one_whose_credential_may_not_be_used_is_not(diary: Integration, status: str) -> None:
    assert diary.credential is not None
    diary.credential.status = status
    assert reason(diary) is Skip.INACTIVE


def test_one_of_an_account_that_is_not_active_is_not(diary: Integration) -> None:
    diary.account.status = AccountStatus.DEACTIVATED
    assert reason(diary) is Skip.INACTIVE


def test_one_without_an_access_token_is_not(diary: Integration) -> None:
    assert diary.credential is not None
    diary.credential.secrets = {}
    assert reason(diary) is Skip.NO_TOKEN
    diary.credential = None
    assert reason(diary) is Skip.NO_TOKEN


def test_one_that_hears_of_deliveries_is_not(diary: Integration) -> None:
    assert reason(diary, instance_type="mail") is Skip.WEBHOOK_ONLY


def test_a_blank_type_is_the_default(diary: Integration) -> None:
    assert reason(diary, instance_type="") is None


def test_it_is_due_to_the_second(diary: Integration, clock: Clock) -> None:
    diary.last_successful_update_at = clock.now - timedelta(minutes=15) + timedelta(seconds=1)
    assert reason(diary) is Skip.NOT_DUE
    clock.advance(1)
    assert reason(diary) is None


@pytest.mark.parametrize(
    ("configured", "minutes"), [(None, 15), (30, 30), (1, 5), (5, 5), ("often", 15), (True, 15)]
)
def test_the_frequency_is_configured_within_limits(
    diary: Integration, configured: object, minutes: int
) -> None:
    diary.configuration = {} if configured is None else {"update_frequency_minutes": configured}
    assert frequency(diary) == minutes * MINUTE


def test_one_that_was_just_triggered_is_being_processed_for_its_frequency(
    diary: Integration, clock: Clock
) -> None:
    diary.configuration["update_frequency_minutes"] = 60
    assert reason(diary, last_triggered_at=clock.now) is Skip.PROCESSING
    clock.advance(30 * 60 - 1)
    assert reason(diary) is Skip.PROCESSING
    clock.advance(1)
    assert reason(diary) is Skip.TOO_SOON
    clock.advance(30 * 60)
    assert reason(diary) is None


def test_one_whose_history_is_read_waits_with_all_of_its_credential(
    diary: Integration, account: Account, owner: Any
) -> None:
    other = Integration.objects.create(
        account=account,
        user=owner,
        credential=diary.credential,
        provider="diary",
        instance_type="pages",
        name="Pages",
    )
    assert Job.objects.get().name == DiaryHistoricalData.name
    busy = busy_connections()
    assert why_not(diary, timezone.now(), busy) is Skip.MIGRATION_ACTIVE
    assert why_not(other, timezone.now(), busy) is Skip.MIGRATION_ACTIVE
    Job.objects.update(status=JobStatus.SUCCEEDED)
    assert why_not(diary, timezone.now(), busy_connections()) is None


def test_one_whose_data_is_migrated_waits(diary: Integration) -> None:
    SyncLog.start("migration_2026", account=diary.account, integration=diary)
    assert why_not(diary, timezone.now(), busy_connections()) is Skip.MIGRATION_ACTIVE


def test_an_open_breaker_and_a_rest_after_failure_hold_it_back(diary: Integration, clock: Clock) -> None:
    soon = clock.now + MINUTE
    assert reason(diary, breaker_open_until=soon, next_attempt_at=soon) is Skip.CIRCUIT_OPEN
    assert reason(diary, breaker_open_until=None) is Skip.COOLING_DOWN
    clock.advance(60)
    assert reason(diary) is None


def test_what_is_due_is_started_once_and_marked(diary: Integration) -> None:
    summary = check_all()
    assert summary.as_dict() == {"due": 1, "scheduled": 1, "failed": 0}
    job = Job.objects.get()
    assert (job.name, job.args) == (DiaryEntryPull.name, {"trigger": SyncTrigger.SCHEDULED})
    diary.refresh_from_db()
    assert diary.last_triggered_at is not None
    assert check_all().as_dict() == {"due": 0, "scheduled": 0, "failed": 0, "skipped_processing": 1}


def test_of_two_that_claim_it_one_starts_it(diary: Integration) -> None:
    now = timezone.now()
    same = Integration.objects.get(pk=diary.pk)
    assert starting.start(diary, DiaryEntryPull, now) is not None
    assert starting.start(same, DiaryEntryPull, now) is None
    assert Job.objects.count() == 1


def test_an_unknown_type_starts_nothing_and_is_warned_about_once(
    diary: Integration, caplog: pytest.LogCaptureFixture
) -> None:
    Integration.objects.update(instance_type="dreams")
    with caplog.at_level(logging.WARNING, "syncplatform.polling"):
        assert check_all().skipped == {Skip.UNKNOWN_TYPE: 1}
    assert len([r for r in caplog.records if "dreams" in r.getMessage()]) == 1
    diary.refresh_from_db()
    assert diary.last_triggered_at is None
    assert not Job.objects.exists()


def test_providers_that_are_not_polled_are_not_looked_at(diary: Integration) -> None:
    Integration.objects.update(provider="workstudio", instance_type="circuits")
    assert check_all().looked_at == 0


def test_one_that_cannot_be_looked_at_stops_no_other(
    diary: Integration, owner: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = Integration.objects.create(
        account=diary.account, user=owner, credential=diary.credential, provider="diary",
        instance_type="pages", name="Pages", init_status="done",
    )  # fmt: skip
    honest = checker.why_not

    def fail_for_the_first(integration: Integration, *args: Any) -> Skip | None:
        if integration.pk == diary.pk:
            raise RuntimeError("broken configuration")
        return honest(integration, *args)

    monkeypatch.setattr(checker, "why_not", fail_for_the_first)
    summary = check_all()
    assert (summary.scheduled, list(summary.failed)) == (1, [diary.pk])
    assert "broken configuration" in summary.failed[diary.pk]
    assert Job.objects.get().integration == other


def test_looking_costs_no_statement_for_each_connection(diary: Integration, owner: Any) -> None:
    def statements() -> int:
        with CaptureQueriesContext(connection) as queries:
            check_all()
        return len(queries)

    Integration.objects.update(last_successful_update_at=timezone.now())
    before = statements()
    for number in range(5):
        credential = Credential.objects.create(
            account=diary.account,
            provider="diary",
            external_id=f"{number}",
            secrets={"access_token": "token"},
        )
        Integration.objects.create(
            account=diary.account, credential=credential, provider="diary", instance_type="entries",
            name=f"{number}", external_id=f"{number}", paused=True,
        )  # fmt: skip
    assert statements() == before


def test_there_is_one_check_at_a_time(db: None) -> None:
    platform = Account.objects.platform()
    assert CheckIntegrationUpdates.dispatch(account=platform) == CheckIntegrationUpdates.dispatch(
        account=platform
    )


def test_from_the_check_to_the_end_of_the_run(diary: Integration, vendor: DiarySandbox) -> None:
    vendor.seed(entries=3)
    run(CheckIntegrationUpdates.dispatch(account=Account.objects.platform()))
    assert run_waiting() == ["succeed"]
    assert run_waiting() == ["succeed"]
    log = SyncLog.objects.get()
    assert (log.sync_status, log.sync_trigger) == ("completed", "scheduled")
    assert check_all().skipped == {Skip.NOT_DUE: 1}


def test_by_hand_the_rules_hold_unless_forced(diary: Integration) -> None:
    Integration.objects.update(last_successful_update_at=timezone.now())
    diary.refresh_from_db()
    assert fetching.fetch_now(diary).reason == Skip.NOT_DUE
    assert fetching.fetch_now(diary, force=True, write=False).reason == ""
    assert not Job.objects.exists()
    started = fetching.fetch_now(diary, force=True)
    assert started.job is not None
    assert started.job.args["trigger"] == SyncTrigger.MANUAL
    Integration.objects.update(paused=True)
    diary.refresh_from_db()
    assert fetching.fetch_now(diary, force=True).reason == Skip.INACTIVE


def test_reading_again_from_a_date_leaves_the_cursor_where_it_is(
    diary: Integration, vendor: DiarySandbox
) -> None:
    vendor.seed(entries=3)
    assert fetching.fetch_now(diary, since=timezone.now() - timedelta(days=90)).job is not None
    run_waiting()
    run_waiting()
    assert SyncLog.objects.get().sync_trigger == SyncTrigger.BACKFILL
    assert SyncLog.objects.get().records_created == 3
    assert not diary.cursors.exists()
