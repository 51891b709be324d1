"""What a sync takes in of the list, and what it leaves out."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from integrations.jobs.runner import run_job
from integrations.providers.zuora import services, streams
from integrations.providers.zuora.models import Workflow, ZuoraCustomer
from synclogs.models import JobStatus, SyncIssue, SyncStatus
from tests.integrations.providers.zuora.conftest import ALDER, BIRCH, MakeCustomer, Zuora
from tests.integrations.providers.zuora.syncing import counts_of, run_of, sync

pytestmark = pytest.mark.django_db


def test_everything_is_taken_in(zuora: Zuora, customer: ZuoraCustomer) -> None:
    zuora.seed(workflows=120)
    job = sync(customer)
    run = run_of(job)
    assert (job.status, run.sync_status) == (JobStatus.SUCCEEDED, SyncStatus.COMPLETED)
    assert (run.provider, run.sync_type, run.integration) == ("zuora", "workflows", customer.integration)
    assert counts_of(job) == {"processed": 120, "created": 120}
    assert sorted(Workflow.objects.values_list("zuora_id", flat=True)) == zuora.ids()
    assert [call["summary"]["page"] for call in zuora.calls("list")] == ["1", "2", "3"]
    assert zuora.sandbox.violations == []
    customer.refresh_from_db()
    assert customer.last_synced_at is not None
    assert customer.last_sync_started_at is not None
    assert customer.last_synced_at >= customer.last_sync_started_at
    assert customer.rate_limit_limit == 50_000


def test_a_definition_becomes_columns(zuora: Zuora, customer: ZuoraCustomer) -> None:
    version = {"id": 49, "version": "0.0.2", "type": "Workflow::Setup", "status": "Active"}
    old = {"id": 40, "version": "0.0.1", "type": "Workflow::Setup", "status": "Inactive"}
    zuora.sim(
        "workflows",
        {
            "id": 48,
            "name": "Nightly dunning",
            "description": "Ünïcode",
            "interval": "0 0 * * *",
            "timezone": "UTC",
            "calloutTrigger": False,
            "ondemandTrigger": True,
            "scheduledTrigger": True,
            "createdAt": "2024-05-31T14:52:38.171Z",
            "updatedAt": "2024-06-03T21:02:26.694Z",
            "active_version": version,
            "latest_inactive_verisons": [old],
            "a_field_of_tomorrow": 1,
        },
    )
    sync(customer)
    row = Workflow.objects.get()
    assert (row.zuora_id, row.name, row.description) == (48, "Nightly dunning", "Ünïcode")
    assert (row.interval, row.timezone, row.status) == ("0 0 * * *", "UTC", "Active")
    assert (row.callout_trigger, row.ondemand_trigger, row.scheduled_trigger) == (False, True, True)
    assert (row.active_version_id, row.active_version, row.active_version_status) == (49, "0.0.2", "Active")
    assert row.inactive_versions == [old]
    assert row.source_created_at is not None
    assert row.source_created_at.isoformat() == "2024-05-31T14:52:38.171000+00:00"
    assert row.raw["a_field_of_tomorrow"] == 1


@pytest.mark.parametrize("dates", ["iso", "utc", "plain"])
@pytest.mark.parametrize("spelling", ["wire", "correct"])
def test_every_spelling_of_dates_and_versions_is_read(
    zuora: Zuora, customer: ZuoraCustomer, dates: str, spelling: str
) -> None:
    zuora.sim("behavior", {"dates": dates, "spelling": spelling})
    versions = [{"id": 7, "version": "0.0.1"}]
    zuora.sim(
        "workflows",
        {"id": 5, "createdAt": "2024-05-31T14:52:38.000Z", "latest_inactive_verisons": versions},
    )
    sync(customer)
    row = Workflow.objects.get()
    assert row.source_created_at is not None
    assert row.source_created_at.isoformat() == "2024-05-31T14:52:38+00:00"
    assert row.inactive_versions == versions


def test_what_is_missing_or_empty_is_no_error(zuora: Zuora, customer: ZuoraCustomer) -> None:
    zuora.sim(
        "workflows",
        {"id": 5, "interval": None, "timezone": None, "active_version": None, "description": None},
    )
    job = sync(customer)
    row = Workflow.objects.get()
    assert run_of(job).sync_status == SyncStatus.COMPLETED
    assert (row.interval, row.timezone, row.active_version_id, row.description) == ("", "", None, "")


def test_a_second_sync_writes_nothing(zuora: Zuora, customer: ZuoraCustomer) -> None:
    zuora.seed(workflows=60)
    sync(customer)
    before = list(Workflow.objects.order_by("pk").values())
    job = sync(customer)
    assert counts_of(job) == {"processed": 60, "unchanged": 60}
    assert list(Workflow.objects.order_by("pk").values()) == before


def test_what_was_edited_is_updated_and_named(zuora: Zuora, customer: ZuoraCustomer) -> None:
    zuora.seed(workflows=10)
    sync(customer)
    zuora.sim("touch", {"count": 2})
    job = sync(customer)
    assert counts_of(job) == {"processed": 10, "updated": 2, "unchanged": 8}
    assert set(run_of(job).changed_fields) == {"description", "updatedAt"}


def test_two_customers_may_have_the_same_ids(zuora: Zuora, make_customer: MakeCustomer) -> None:
    first, second = make_customer(login=ALDER), make_customer(login=BIRCH)
    for login in (ALDER, BIRCH):
        zuora.sim("workflows", {"id": 48, "name": login.name}, client_id=login.client_id)
    sync(first)
    sync(second)
    assert Workflow.objects.get(customer=first).name == ALDER.name
    assert Workflow.objects.get(customer=second).name == BIRCH.name


def test_pages_that_repeat_themselves_end_with_an_error(zuora: Zuora, customer: ZuoraCustomer) -> None:
    page = {"data": [{"id": 1, "name": "One"}], "pagination": {"next_page": "https://rest.zuora.com/x"}}
    zuora.fault("status", status=200, body=page, times="forever")
    job = sync(customer)
    assert (job.status, job.error_code) == (JobStatus.RETRY_WAIT, "bad_reply")
    assert "repeats" in job.error_message
    assert len(zuora.calls("list")) <= 3


def test_there_are_not_more_than_a_thousand_pages(
    zuora: Zuora, customer: ZuoraCustomer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streams, "MAX_PAGES", 2)
    zuora.seed(workflows=120)
    job = sync(customer)
    assert "more than 2 pages" in job.error_message


def test_records_that_cannot_be_taken_are_issues_and_the_rest_is_taken(
    zuora: Zuora, customer: ZuoraCustomer
) -> None:
    zuora.seed(workflows=20, hostile=True)
    job = sync(customer)
    run = run_of(job)
    assert counts_of(job) == {"processed": 22, "created": 20, "failed": 2}
    assert (run.sync_status, run.error_code) == (SyncStatus.WARNING, "records_lost")
    codes = set(SyncIssue.objects.values_list("error_code", "field"))
    assert codes == {("missing", "id"), ("wrong_type", "name")}
    customer.refresh_from_db()
    assert customer.last_synced_at is not None


@pytest.mark.parametrize(
    "bad",
    [
        {"id": "abc"},
        {"id": 2**64},
        {"createdAt": "yesterday"},
        {"createdAt": 5},
        {"name": "x" * 501},
        {"name": None},
        {"scheduledTrigger": "yes"},
        {"active_version": []},
        {"latest_inactive_verisons": {"id": 1}},
    ],
)
def test_one_bad_record_is_left_out(zuora: Zuora, customer: ZuoraCustomer, bad: dict[str, Any]) -> None:
    good = {"id": 1, "name": "Good"}
    rows = [good, {"id": 2, "name": "Bad", **bad}]
    zuora.fault("status", status=200, body={"data": rows})
    job = sync(customer)
    assert counts_of(job) == {"processed": 2, "created": 1, "failed": 1}
    assert SyncIssue.objects.count() == 1


def test_the_number_of_queries_does_not_grow_with_the_workflows(
    zuora: Zuora, customer: ZuoraCustomer
) -> None:
    def queries(workflows: int) -> int:
        zuora.seed(workflows=workflows)
        Workflow.objects.all().delete()
        job = services.queue_sync(customer, force=True)
        with CaptureQueriesContext(
            connection,
        ) as captured:
            run_job(str(job.pk))
        return len(captured)

    queries(5)
    assert queries(45) == queries(5)
