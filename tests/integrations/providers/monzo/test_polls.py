"""Polls of a connection whose history is there."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from integrations.models import Credential, CredentialStatus, Event, Integration, SyncCursor
from integrations.providers.monzo.jobs import (
    MonzoAccountPull,
    MonzoBalancePull,
    MonzoPotPull,
    MonzoTransactionPull,
)
from integrations.providers.monzo.sandbox.clock import stamp
from synclogs.models import Job, SyncIssue, SyncStatus
from tests.integrations.providers.monzo.conftest import Monzo, event, last_run, work

pytestmark = pytest.mark.django_db

Connections = dict[str, Integration]


@pytest.fixture
def bank(monzo: Monzo) -> Monzo:
    monzo.seed(months=2, per_month=4)
    return monzo


def poll(connection: Integration) -> dict[str, int]:
    MonzoTransactionPull.dispatch(connection)
    return work()


def make(bank: Monzo, kind: str = "card", **changes: Any) -> str:
    account = bank.account("uk_retail")["id"]
    made = bank.sandbox._generator.one(account, kind, **changes)
    return str(made["id"])


def test_a_first_poll_reads_what_is_shown(bank: Monzo, connections: Connections) -> None:
    poll(connections["transactions"])
    run = last_run("transaction_pull")
    assert run.sync_status == SyncStatus.COMPLETED
    assert run.records_created == Event.objects.count() > 10
    poll(connections["transactions"])
    assert last_run("transaction_pull").records_created == 0


def test_more_than_a_page_is_read_to_the_end(bank: Monzo, connections: Connections) -> None:
    bank.bank.transactions.clear()
    for _ in range(250):
        make(bank)
    poll(connections["transactions"])
    assert Event.objects.count() == 250
    pages = [path for path in bank.paths() if path == "GET /transactions"]
    assert len(pages) >= 3


def test_a_pending_payment_settles_with_another_amount(bank: Monzo, connections: Connections) -> None:
    source_id = make(bank, "abroad", amount=-2317)
    poll(connections["transactions"])
    assert event(source_id).event_metadata["status"] == "pending"
    bank.bank.settle([source_id], change=8)
    poll(connections["transactions"])
    row = event(source_id)
    assert (row.value, row.event_metadata["status"]) == (-2309, "settled")
    assert row.event_metadata["previous_value"] == -2317
    assert Event.objects.filter(source_id=source_id).count() == 1


def test_a_pending_payment_is_declined(bank: Monzo, connections: Connections) -> None:
    source_id = make(bank)
    poll(connections["transactions"])
    bank.bank.transactions[source_id] |= {"decline_reason": "OTHER"}
    poll(connections["transactions"])
    row = event(source_id)
    assert (row.action, row.event_metadata["status"]) == ("declined_payment_to", "declined")


def test_what_is_not_settled_is_read_again_however_old(bank: Monzo, connections: Connections) -> None:
    old = stamp(timezone.now() - timedelta(days=30))
    source_id = make(bank, created=old, settled="", amount_is_pending=True)
    poll(connections["transactions"])
    bank.bank.settle([source_id])
    poll(connections["transactions"])
    assert event(source_id).event_metadata["status"] == "settled"


def test_a_hold_that_disappears_expires_after_35_days(bank: Monzo, connections: Connections) -> None:
    old = stamp(timezone.now() - timedelta(days=34))
    source_id = make(bank, created=old, settled="", amount_is_pending=True)
    poll(connections["transactions"])
    del bank.bank.transactions[source_id]
    poll(connections["transactions"])
    assert event(source_id).event_metadata["status"] == "pending"
    cursor = SyncCursor.objects.get(partition=bank.account("uk_retail")["id"], stream="transactions")
    cursor.state["unsettled"][source_id] = (timezone.now() - timedelta(days=36)).isoformat()
    cursor.save()
    poll(connections["transactions"])
    row = event(source_id)
    assert (row.event_metadata["status"], row.deleted_at) == ("expired", None)
    cursor.refresh_from_db()
    assert source_id not in cursor.state["unsettled"]


def test_polls_never_ask_beyond_the_wall(bank: Monzo, connections: Connections) -> None:
    bank.approved_ago(timedelta(hours=1))
    ancient = stamp(timezone.now() - timedelta(days=120))
    make(bank, created=ancient, settled="")
    poll(connections["transactions"])
    assert last_run("transaction_pull").sync_status == SyncStatus.COMPLETED
    statuses = [each["status"] for each in bank.mount.journal.snapshot()["entries"]]
    assert statuses.count(403) == 1  # the backing loan


def test_one_account_that_refuses_is_noted_and_stops_no_other(bank: Monzo, connections: Connections) -> None:
    joint = bank.account("uk_retail_joint")["id"]
    bank.bank.refused = {joint}
    poll(connections["transactions"])
    run = last_run("transaction_pull")
    assert joint in run.context["skipped_accounts"]
    assert run.sync_status == SyncStatus.COMPLETED
    assert Event.objects.filter(actor__external_id=bank.account("uk_retail")["id"]).exists()


def test_a_bad_transaction_is_an_issue_and_the_others_are_taken(
    bank: Monzo, connections: Connections
) -> None:
    source_id = make(bank, amount="4.85")
    good = make(bank)
    poll(connections["transactions"])
    assert Event.objects.filter(source_id=good).exists()
    issue = SyncIssue.objects.get()
    assert (issue.source_id, issue.field, issue.error_code) == (source_id, "amount", "bad_amount")
    assert last_run("transaction_pull").sync_status == SyncStatus.WARNING


def test_pages_that_repeat_themselves_end_the_poll(bank: Monzo, connections: Connections) -> None:
    page = {"transactions": [{"id": "tx_same", "created": "2026-03-01T00:00:00Z"}] * 100}
    bank.fault(kind="status", status=200, body=page, times="forever", match={"path": "transactions"})
    assert "retry" in poll(connections["transactions"])
    job = Job.objects.get(name="monzo.transaction_pull")
    assert job.error_code == "bad_reply"
    assert bank.paths().count("GET /transactions") < 5


def test_a_closed_account_is_read_once(bank: Monzo, connections: Connections) -> None:
    account = bank.account("uk_retail_joint")
    account["closed"] = True
    poll(connections["transactions"])
    poll(connections["transactions"])
    asked = [
        each["summary"]["account_id"]
        for each in bank.mount.journal.snapshot()["entries"]
        if each["path"] == "/transactions"
    ]
    assert asked.count(account["id"]) == 1


def test_balances_of_each_day_and_their_change(bank: Monzo, connections: Connections) -> None:
    account = bank.account("uk_retail")["id"]
    bank.bank.balances[account]["balance"] = -500
    MonzoBalancePull.dispatch(connections["balances"])
    work()
    row = Event.objects.get(actor__external_id=account, action="had_balance")
    assert (row.value, row.value_multiplier, row.value_unit) == (-500, 100, "GBP")
    assert {each.block_type for each in row.blocks.all()} == {"spend_today"}

    Event.objects.filter(pk=row.pk).update(
        source_id=f"monzo_balance_{account}_2026-01-01", time=timezone.now() - timedelta(days=3)
    )
    bank.bank.balances[account]["balance"] = -200
    MonzoBalancePull.dispatch(connections["balances"])
    work()
    today = Event.objects.filter(actor__external_id=account).latest("time")
    change = today.blocks.get(block_type="balance_change")
    assert (change.value, change.metadata["direction"]) == (300, "Up")


def test_accounts_and_pots(bank: Monzo, connections: Connections) -> None:
    MonzoAccountPull.dispatch(connections["accounts"])
    MonzoPotPull.dispatch(connections["pots"])
    work()
    pots = Event.objects.filter(integration=connections["pots"])
    assert pots.count() == 2
    pot = next(iter(bank.bank.pots.values()))
    pot["deleted"] = True
    MonzoPotPull.dispatch(connections["pots"])
    work()
    row = pots.get(event_metadata__pot_id=pot["id"])
    assert (row.actor.type, row.actor.external_id) == ("monzo_archived_pot", pot["id"])


def test_an_ended_token_is_refreshed_on_the_way(bank: Monzo, connections: Connections) -> None:
    bank.sandbox.tokens.expire()
    poll(connections["transactions"])
    assert last_run("transaction_pull").sync_status == SyncStatus.COMPLETED
    assert bank.paths()[:3] == ["GET /accounts", "POST /oauth2/token", "GET /accounts"]


def test_a_token_that_was_evicted_needs_its_owner(
    bank: Monzo, connections: Connections, credential: Credential
) -> None:
    bank.log_in()
    assert poll(connections["transactions"]) == {"fail": 1}
    credential.refresh_from_db()
    assert (credential.status, credential.status_reason) == (CredentialStatus.NEEDS_ATTENTION, "reauth")
    assert "POST /oauth2/token" not in bank.paths()
    connections["transactions"].refresh_from_db()
    assert connections["transactions"].status == "needs_attention"


def test_an_outage_is_tried_again(bank: Monzo, connections: Connections) -> None:
    bank.fault(kind="status", status=500, times=1, match={"path": "accounts"})
    poll(connections["transactions"])
    assert last_run("transaction_pull").sync_status == SyncStatus.COMPLETED


def test_a_long_wait_frees_the_worker(bank: Monzo, connections: Connections) -> None:
    bank.fault(kind="status", status=429, headers={"Retry-After": "120"}, match={"path": "accounts"})
    assert poll(connections["transactions"]) == {"postpone": 1}
    job = Job.objects.get()
    assert job.attempts == 0
    assert 100 < (job.run_at - timezone.now()).total_seconds() <= 120
