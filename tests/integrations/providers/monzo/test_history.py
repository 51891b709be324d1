"""The first look at a connection, against the simulated bank."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from integrations.models import (
    Credential,
    CredentialStatus,
    Event,
    EventObject,
    InitStatus,
    Integration,
    RawPayload,
    SyncCursor,
)
from integrations.providers.monzo.connecting import connected
from integrations.webhooks import keys
from synclogs.models import Job, JobQueue, SyncLog, SyncStatus
from tests.integrations.providers.monzo.conftest import Monzo, last_run, work

pytestmark = pytest.mark.django_db


@pytest.fixture
def bank(monzo: Monzo) -> Monzo:
    monzo.seed(months=14, per_month=4)
    return monzo


def readable(bank: Monzo) -> int:
    """The transactions that a poll or a history can see."""
    kinds = ("uk_retail", "uk_retail_joint", "uk_monzo_flex")
    return sum(len(bank.bank.transactions_of(bank.account(kind)["id"])) for kind in kinds)


def test_the_whole_history_arrives_with_its_objects(bank: Monzo, credential: Credential) -> None:
    connected(credential)
    job = Job.objects.get()
    assert job.queue == JobQueue.HIGH_PRIORITY

    work()

    master = Integration.objects.get(instance_type="accounts")
    assert (master.init_status, master.initialized_at is not None) == (InitStatus.DONE, True)
    transactions = Event.objects.filter(integration__instance_type="transactions")
    assert transactions.count() == readable(bank) > 50
    oldest = transactions.earliest("time").time
    assert timezone.now() - oldest > timedelta(days=365)
    assert EventObject.objects.filter(type="monzo_account").count() == 5
    assert EventObject.objects.filter(type="monzo_pot").count() == 2
    assert EventObject.objects.filter(type="monzo_archived_pot").count() == 1
    assert Event.objects.filter(action="had_balance", integration__instance_type="balances").count() == 5
    assert last_run("historical_data").sync_status == SyncStatus.COMPLETED
    assert not Job.objects.filter(status="failed").exists()
    assert RawPayload.objects.filter(processed_at__isnull=True).count() == 0


def test_nothing_is_written_by_reading_it_again(bank: Monzo, credential: Credential) -> None:
    connected(credential)
    work()
    before = (Event.objects.count(), EventObject.objects.count())
    SyncCursor.objects.filter(stream="history").delete()
    connected(credential)
    work()
    assert (Event.objects.count(), EventObject.objects.count()) == before
    assert SyncLog.objects.filter(sync_type="historical_data").count() == 2


def test_it_waits_for_the_approval(bank: Monzo, credential: Credential) -> None:
    bank.grants()[0].approved_at = None
    Credential.objects.update(status=CredentialStatus.PENDING_APPROVAL)
    connected(credential)

    assert work() == {"postpone": 1}
    job = Job.objects.get()
    assert 10 < (job.run_at - timezone.now()).total_seconds() <= 15
    assert (job.attempts, job.wait_reason) == (0, "waiting for the approval in the app")
    credential.refresh_from_db()
    assert (credential.status, credential.sca_approved_at) == (CredentialStatus.PENDING_APPROVAL, None)

    bank.sandbox.tokens.approve()
    Job.objects.update(run_at=timezone.now())
    work()
    credential.refresh_from_db()
    assert credential.status == CredentialStatus.ACTIVE
    assert credential.sca_approved_at is not None
    assert Event.objects.exists()


def test_an_approval_is_waited_for_half_an_hour(bank: Monzo, credential: Credential) -> None:
    bank.grants()[0].approved_at = None
    Credential.objects.update(status=CredentialStatus.PENDING_APPROVAL)
    connected(credential)
    Job.objects.update(created_at=timezone.now() - timedelta(minutes=31))
    assert work() == {"fail": 1}
    credential.refresh_from_db()
    assert (credential.status, credential.status_reason) == (
        CredentialStatus.NEEDS_ATTENTION,
        "approval_timeout",
    )
    assert Integration.objects.get(instance_type="accounts").init_status == InitStatus.FAILED


def test_a_history_that_comes_too_late_is_read_from_the_wall_on(bank: Monzo, credential: Credential) -> None:
    bank.approved_ago(timedelta(minutes=6))
    connected(credential)
    work()
    oldest = Event.objects.filter(integration__instance_type="transactions").earliest("time").time
    assert timedelta(days=60) < timezone.now() - oldest < timedelta(days=90)
    states = SyncCursor.objects.filter(stream="transactions").values_list("state", flat=True)
    assert any(state["history_truncated"] for state in states)


def test_an_account_that_refuses_stops_no_other(bank: Monzo, credential: Credential) -> None:
    connected(credential)
    work()
    run = last_run("historical_data")
    assert run.context["skipped_accounts"] == [bank.account("uk_monzo_flex_backing_loan")["id"]]
    assert run.sync_status == SyncStatus.COMPLETED


def test_history_is_read_in_windows_of_less_than_a_year_and_newest_account_first(
    bank: Monzo, credential: Credential
) -> None:
    connected(credential)
    work()
    calls = [
        each["summary"]
        for each in bank.mount.journal.snapshot()["entries"]
        if each["path"] == "/transactions"
    ]
    assert all(each["limit"] == "100" for each in calls)
    order = list(dict.fromkeys(each["account_id"] for each in calls))
    created = [bank.bank.accounts[account]["created"] for account in order]
    assert created == sorted(created, reverse=True)
    assert {each["status"] for each in bank.mount.journal.snapshot()["entries"]} == {200, 403}


def test_webhooks_are_registered_once_and_stale_ones_of_ours_removed(
    bank: Monzo, credential: Credential
) -> None:
    account = bank.account("uk_retail")["id"]
    ours = keys.address(credential)
    stale = ours.replace(ours.split("/")[-2], "an-old-key")
    foreign = "https://elsewhere.example/hook"
    for number, url in enumerate((stale, foreign)):
        bank.bank.webhooks[f"w{number}"] = {"id": f"w{number}", "account_id": account, "url": url}
    connected(credential)
    work()
    urls = [each["url"] for each in bank.bank.webhooks.values() if each["account_id"] == account]
    assert sorted(urls) == sorted([foreign, ours])


def test_a_crash_goes_on_where_it_was(bank: Monzo, credential: Credential) -> None:
    connected(credential)
    account = bank.account("uk_retail")["id"]
    bank.fault(
        kind="status", status=400, body={"code": "bad_request"}, after=3, match={"path": "transactions"}
    )
    assert work()["fail"] == 1
    seen = len(bank.paths())
    SyncLog.objects.filter(sync_type="historical_data").delete()
    connected(credential)
    work()
    assert Event.objects.filter(integration__instance_type="transactions").count() == readable(bank)
    done = SyncCursor.objects.get(stream="history", partition=account)
    assert done.state == {"done": True}
    assert len(bank.paths()) - seen < 60


def test_money_is_never_moved(bank: Monzo, credential: Credential) -> None:
    connected(credential)
    work()
    assert {path.split()[0] for path in bank.paths()} <= {"GET", "POST", "DELETE"}
    assert {path for path in bank.paths() if path.startswith(("POST", "PUT", "PATCH"))} <= {"POST /webhooks"}
