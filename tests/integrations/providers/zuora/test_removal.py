"""A list that moves while it is read: what counts as removed, and what does not."""

from __future__ import annotations

import pytest

from integrations.providers.zuora.models import Workflow, ZuoraCustomer
from synclogs.models import Alert, JobStatus, SyncStatus
from tests.integrations.providers.zuora.conftest import ALDER, Zuora
from tests.integrations.providers.zuora.syncing import counts_of, run_of, sync

pytestmark = pytest.mark.django_db


def test_a_list_that_moves_loses_and_doubles_nothing(zuora: Zuora, customer: ZuoraCustomer) -> None:
    """Pages shift by a new workflow: one comes twice. They shift back by a deleted one: one is not shown."""
    zuora.seed(workflows=130)
    zuora.sim("between_pages", {"after_page": 1, "insert": 1})
    job = sync(customer)
    assert counts_of(job)["created"] == 130
    assert counts_of(job)["processed"] == 131
    zuora.sim("between_pages", {"after_page": 1, "delete": 1})
    before = zuora.ids()
    job = sync(customer)
    present = Workflow.objects.filter(removed_at__isnull=True).values_list("zuora_id", flat=True)
    assert set(zuora.ids()) <= set(present)
    assert len(before) - len(zuora.ids()) == 1
    assert run_of(job).sync_status == SyncStatus.COMPLETED


def test_a_workflow_that_is_gone_is_asked_for_once_and_marked(zuora: Zuora, customer: ZuoraCustomer) -> None:
    zuora.seed(workflows=5)
    sync(customer)
    gone = zuora.ids()[0]
    zuora.sim("delete", {"workflows": [gone]})
    zuora.forget_calls()
    job = sync(customer)
    assert counts_of(job) == {"processed": 4, "unchanged": 4, "removed": 1}
    assert [call["summary"]["id"] for call in zuora.calls("one")] == [str(gone)]
    assert [row.zuora_id for row in Workflow.objects.filter(removed_at__isnull=False)] == [gone]
    zuora.forget_calls()
    sync(customer)
    assert zuora.calls("one") == []


def test_a_workflow_that_returns_is_restored(zuora: Zuora, customer: ZuoraCustomer) -> None:
    zuora.seed(workflows=5)
    sync(customer)
    row = dict(zuora.sandbox.tenants[ALDER.client_id].workflows[zuora.ids()[0]])
    zuora.sim("delete", {"workflows": [row["id"]]})
    sync(customer)
    row.setdefault("active_version", None)
    zuora.sim("workflows", row)
    job = sync(customer)
    assert counts_of(job)["updated"] == 1
    assert not Workflow.objects.filter(removed_at__isnull=False).exists()
    assert Workflow.objects.count() == 5


def test_a_workflow_that_the_list_did_not_show_is_updated_from_its_own_page(
    zuora: Zuora, customer: ZuoraCustomer
) -> None:
    zuora.seed(workflows=3)
    sync(customer)
    hidden = zuora.ids()[0]
    rows = zuora.sandbox.tenants[ALDER.client_id].workflows
    before = Workflow.objects.get(zuora_id=hidden).inactive_versions
    listed = [{**row} for number, row in rows.items() if number != hidden]
    for definition in listed:
        del definition["priority"]
    rows[hidden]["name"] = "Renamed meanwhile"
    zuora.fault("status", path="/workflows", status=200, body={"data": listed})
    job = sync(customer)
    row = Workflow.objects.get(zuora_id=hidden)
    assert (row.name, row.priority, row.removed_at) == ("Renamed meanwhile", "Medium", None)
    assert row.inactive_versions == before
    assert counts_of(job)["updated"] == 1


def test_a_workflow_that_cannot_be_asked_for_is_left_and_told(zuora: Zuora, customer: ZuoraCustomer) -> None:
    zuora.seed(workflows=3)
    sync(customer)
    gone = zuora.ids()[0]
    zuora.sim("delete", {"workflows": [gone]})
    zuora.fail_next("html", 404, path=f"/workflows/{gone}")
    job = sync(customer)
    assert not Workflow.objects.filter(removed_at__isnull=False).exists()
    assert run_of(job).sync_status == SyncStatus.WARNING
    assert "could not be asked for" in run_of(job).error_message


def test_an_empty_list_removes_nothing(zuora: Zuora, customer: ZuoraCustomer) -> None:
    zuora.seed(workflows=3)
    sync(customer)
    zuora.fault("status", status=200, body={"data": [], "pagination": {}})
    job = sync(customer)
    run = run_of(job)
    assert (run.sync_status, run.error_code) == (SyncStatus.WARNING, "unusual_zero")
    assert not Workflow.objects.filter(removed_at__isnull=False).exists()
    assert Alert.objects.filter(rule="unusual_zero").exists()


def test_a_list_that_breaks_off_removes_nothing(zuora: Zuora, customer: ZuoraCustomer) -> None:
    zuora.seed(workflows=70)
    sync(customer)
    zuora.sim("delete", {"workflows": 5})
    zuora.fault("status", status=400, after=1, times="forever")
    job = sync(customer)
    assert job.status == JobStatus.RETRY_WAIT
    assert not Workflow.objects.filter(removed_at__isnull=False).exists()
