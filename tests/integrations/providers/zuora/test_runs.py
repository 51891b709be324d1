"""Runs of workflows: followed to their end, and discovered."""

from __future__ import annotations

import pytest
from django.utils import timezone
from pytest_django import Settings

from integrations.providers.zuora.models import WorkflowRun, ZuoraCustomer
from synclogs.models import SyncStatus
from tests.integrations.providers.zuora.conftest import ALDER, Zuora
from tests.integrations.providers.zuora.syncing import run_of, sync

pytestmark = pytest.mark.django_db


def test_runs_that_have_not_ended_are_followed(zuora: Zuora, customer: ZuoraCustomer) -> None:
    zuora.seed(workflows=2)
    sync(customer)
    [run_id] = zuora.sim("runs", {"status": "Processing", "workflow_id": zuora.ids()[0]})["ids"]
    WorkflowRun.objects.create(
        customer=customer,
        zuora_id=run_id,
        status="Queued",
        first_seen_at=timezone.now(),
        last_changed_at=timezone.now(),
    )
    job = sync(customer)
    row = WorkflowRun.objects.get()
    assert (row.status, row.finished_at) == ("Processing", None)
    assert row.workflow is not None
    assert row.workflow.zuora_id == zuora.ids()[0]
    assert run_of(job).extra_counts == {"workflow_runs": 1}
    tasks = {"total": 2, "success": 1, "error": 1}
    zuora.sim("runs", {"id": run_id, "status": "Finished", "tasks": tasks})
    sync(customer)
    row.refresh_from_db()
    assert (row.status, row.tasks_error, row.has_errors) == ("Finished", 1, True)
    zuora.forget_calls()
    sync(customer)
    assert zuora.calls("run", "tasks") == []


def test_a_run_that_was_purged_is_asked_for_once(zuora: Zuora, customer: ZuoraCustomer) -> None:
    now = timezone.now()
    WorkflowRun.objects.create(
        customer=customer, zuora_id=5, status="Queued", first_seen_at=now, last_changed_at=now
    )
    job = sync(customer)
    assert run_of(job).sync_status == SyncStatus.COMPLETED
    assert WorkflowRun.objects.get().purged_at is not None
    zuora.forget_calls()
    sync(customer)
    assert zuora.calls("run") == []


@pytest.mark.parametrize("original", ["int", "str"])
def test_runs_are_discovered_through_tasks_when_wanted(
    zuora: Zuora, customer: ZuoraCustomer, settings: Settings, original: str
) -> None:
    settings.ZUORA_SYNC_RUNS = True
    zuora.sim("behavior", {"original_id": original})
    facts = zuora.seed(workflows=5, runs=60)["tenants"][ALDER.client_id]
    sync(customer)
    assert WorkflowRun.objects.count() == facts["runs"]
    assert all(row.workflow_id for row in WorkflowRun.objects.all())
    assert WorkflowRun.objects.filter(finished_at__isnull=False).exists()
    assert "payload" not in str(list(WorkflowRun.objects.values_list("raw", flat=True)))
    zuora.forget_calls()
    sync(customer)
    open_runs = facts["runs_by_status"].get("Processing", 0) + facts["runs_by_status"].get("Queued", 0)
    assert len(zuora.calls("run")) == open_runs


def test_at_most_four_calls_are_in_flight(zuora: Zuora, customer: ZuoraCustomer, settings: Settings) -> None:
    settings.ZUORA_SYNC_RUNS = True
    zuora.seed(workflows=5, runs=30)
    zuora.fault("latency", path="workflow_runs", seconds=0.02, times="forever")
    sync(customer)
    assert zuora.max_in_flight() == 4
