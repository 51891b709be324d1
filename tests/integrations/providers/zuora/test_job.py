"""SyncCustomerWorkflows against the served simulator: what it takes in, what it leaves, how it ends."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django import Settings

from integrations.jobs.registry import job_class
from integrations.jobs.runner import run_job
from integrations.models import IntegrationStatus
from integrations.providers.zuora import services, streams
from integrations.providers.zuora.jobs import SyncCustomerWorkflows
from integrations.providers.zuora.models import CustomerStatus, Workflow, WorkflowRun, ZuoraCustomer
from synclogs.models import Alert, Job, JobQueue, JobStatus, SyncIssue, SyncLog, SyncStatus
from tests.integrations.providers.zuora.conftest import ALDER, BIRCH, MakeCustomer, Zuora

pytestmark = pytest.mark.django_db


def sync(customer: ZuoraCustomer, *, force: bool = True) -> Job:
    """Do a sync as a worker would, now; returns the job as it stands afterwards."""
    job = services.queue_sync(customer, force=force)
    return work_off(job)


def work_off(job: Job) -> Job:
    """Start a job whatever moment it waits for."""
    Job.objects.filter(pk=job.pk).update(run_at=timezone.now())
    run_job(str(job.pk))
    job.refresh_from_db()
    return job


def run_of(job: Job) -> SyncLog:
    """The run of a job."""
    return SyncLog.objects.get(job=job)


def counts_of(job: Job) -> dict[str, int]:
    """What a run counted, without zeros."""
    return {name: value for name, value in run_of(job).counts.as_dict().items() if value}


def test_the_class_says_what_it_is() -> None:
    assert job_class("zuora.sync_customer_workflows") is SyncCustomerWorkflows
    assert SyncCustomerWorkflows.queue == JobQueue.WORKFLOWS
    assert SyncCustomerWorkflows.timeout == 1800
    assert SyncCustomerWorkflows.backoff == (60, 60)


@pytest.mark.parametrize("by_name", [True, False])
def test_dispatch_takes_ids(customer: ZuoraCustomer, by_name: bool) -> None:
    dispatch = SyncCustomerWorkflows.dispatch
    job = dispatch(customer_id=customer.pk, force=True) if by_name else dispatch(customer.pk, True)
    assert job.args == {"customer_id": customer.pk, "force": True}
    assert (job.account, job.integration) == (customer.account, customer.integration)
    with pytest.raises(ZuoraCustomer.DoesNotExist):
        dispatch(customer.pk + 1)


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


def test_a_customer_that_is_gone_ends_the_job_quietly(
    customer: ZuoraCustomer, caplog: pytest.LogCaptureFixture
) -> None:
    job = services.queue_sync(customer)
    ZuoraCustomer.objects.all().delete()
    work_off(job)
    assert (job.status, job.result) == (JobStatus.SUCCEEDED, "customer_gone")
    assert "gone" in caplog.text
    assert not SyncLog.objects.exists()


def test_a_recent_sync_is_not_repeated(zuora: Zuora, customer: ZuoraCustomer) -> None:
    ZuoraCustomer.objects.update(last_synced_at=timezone.now() - timedelta(minutes=59))
    before = ZuoraCustomer.objects.values().get()
    job = sync(customer, force=False)
    assert (job.status, job.result) == (JobStatus.SUCCEEDED, "skipped")
    assert zuora.calls() == []
    assert ZuoraCustomer.objects.values().get() == before


def test_recency_is_looked_at_again_once_the_lock_is_held(
    zuora: Zuora, customer: ZuoraCustomer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another sync of the same customer ends between the first look and the lock."""
    real = SyncCustomerWorkflows.open_run

    def open_run(self: SyncCustomerWorkflows) -> None:
        ZuoraCustomer.objects.update(last_synced_at=timezone.now())
        real(self)

    monkeypatch.setattr(SyncCustomerWorkflows, "open_run", open_run)
    job = sync(customer, force=False)
    assert (job.status, job.result) == (JobStatus.SUCCEEDED, "skipped")
    assert run_of(job).sync_status == SyncStatus.COMPLETED
    assert zuora.calls() == []


def test_a_held_lock_puts_the_job_off_for_a_minute(customer: ZuoraCustomer) -> None:
    SyncLog.objects.start(
        "workflows", account=customer.account, lock_key=customer.integration.lock_key("workflows")
    )
    job = sync(customer)
    assert job.status == JobStatus.QUEUED
    assert 55 <= (job.run_at - timezone.now()).total_seconds() <= 60
    assert job.attempts == 0


def test_a_refused_client_needs_attention_and_is_not_retried(zuora: Zuora, customer: ZuoraCustomer) -> None:
    zuora.sim("tenants", {ALDER.client_id: {"client_secret": "other"}})
    job = sync(customer)
    customer.refresh_from_db()
    assert (job.status, job.error_code) == (JobStatus.FAILED, "unauthorized")
    assert customer.sync_status == CustomerStatus.NEEDS_ATTENTION
    assert customer.consecutive_failures == 1
    assert "Client authentication failed" in customer.last_error
    assert customer.last_synced_at is None
    assert customer.integration.status == IntegrationStatus.NEEDS_ATTENTION
    assert Alert.objects.filter(rule="credential_refused").exists()


def test_a_good_sync_mends_a_customer(zuora: Zuora, customer: ZuoraCustomer) -> None:
    ZuoraCustomer.objects.update(
        sync_status=CustomerStatus.NEEDS_ATTENTION, consecutive_failures=2, last_error="refused"
    )
    sync(customer)
    customer.refresh_from_db()
    assert customer.sync_status == CustomerStatus.ACTIVE
    assert (customer.consecutive_failures, customer.last_error) == (0, "")


def test_a_good_sync_of_an_inactive_customer_leaves_it_inactive(
    zuora: Zuora, customer: ZuoraCustomer
) -> None:
    ZuoraCustomer.objects.update(sync_status=CustomerStatus.INACTIVE)
    sync(customer)
    assert ZuoraCustomer.objects.get().sync_status == CustomerStatus.INACTIVE


def test_a_missing_permission_fails_without_a_retry(zuora: Zuora, customer: ZuoraCustomer) -> None:
    zuora.sim("tenants", {ALDER.client_id: {"permissions": []}})
    job = sync(customer)
    customer.refresh_from_db()
    assert (job.status, job.error_code) == (JobStatus.FAILED, "forbidden")
    assert "Client lacks Workflow View Access" in customer.last_error
    assert customer.sync_status == CustomerStatus.ACTIVE


@pytest.mark.parametrize("lack", ["secret", "client_id", "base_url"])
def test_a_customer_that_is_not_set_up_fails_without_a_retry(
    zuora: Zuora, customer: ZuoraCustomer, settings: Settings, lack: str
) -> None:
    if lack == "secret":
        ZuoraCustomer.objects.update(client_secret={})
    elif lack == "client_id":
        ZuoraCustomer.objects.update(client_id="")
    else:
        settings.ZUORA_API_URL = ""
        ZuoraCustomer.objects.update(base_url="https://rest.zuora.example.com")
    job = sync(customer)
    assert (job.status, job.error_code) == (JobStatus.FAILED, "not_configured")
    assert zuora.calls() == []


def test_a_server_that_stays_broken_is_tried_three_times_a_minute_apart(
    zuora: Zuora, customer: ZuoraCustomer
) -> None:
    zuora.fault("status", status=503, times="forever")
    job = sync(customer)
    waits = []
    for _ in range(2):
        assert job.status == JobStatus.RETRY_WAIT
        waits.append(round((job.run_at - timezone.now()).total_seconds()))
        customer.refresh_from_db()
        assert customer.consecutive_failures == 0
        assert "503" in customer.last_error
        work_off(job)
    assert waits == [60, 60]
    assert (job.status, job.attempts) == (JobStatus.FAILED, 3)
    assert len(zuora.calls("list")) == 15
    customer.refresh_from_db()
    assert customer.consecutive_failures == 1
    assert SyncLog.objects.count() == 1


def test_a_limit_puts_the_job_off_without_an_attempt_and_it_goes_on_where_it_was(
    zuora: Zuora, customer: ZuoraCustomer
) -> None:
    zuora.seed(workflows=120)
    zuora.fault(
        "status", status=429, after=1, headers={"Retry-After": "120"}, body={"reasons": [{"code": 50000070}]}
    )
    job = sync(customer)
    assert (job.status, job.attempts) == (JobStatus.QUEUED, 0)
    assert 115 <= (job.run_at - timezone.now()).total_seconds() <= 120
    work_off(job)
    assert job.status == JobStatus.SUCCEEDED
    assert counts_of(job) == {"processed": 120, "created": 120}
    pages = [call["summary"]["page"] for call in zuora.calls("list")]
    assert pages == ["1", "2", "2", "3"]


def test_what_is_left_of_the_limit_is_remembered_for_the_next_process(
    zuora: Zuora, customer: ZuoraCustomer
) -> None:
    zuora.seed(workflows=3)
    zuora.sim("rate", {"limit": 100, "remaining": 3, "reset": 50})
    sync(customer)
    customer.refresh_from_db()
    assert (customer.rate_limit_limit, customer.rate_limit_remaining) == (100, 2)
    job = sync(customer)
    assert job.status == JobStatus.QUEUED
    assert 40 <= (job.run_at - timezone.now()).total_seconds() <= 50
    assert len(zuora.calls("list")) == 1


def test_the_third_failure_in_a_row_is_said_once(
    zuora: Zuora, customer: ZuoraCustomer, caplog: pytest.LogCaptureFixture
) -> None:
    zuora.sim("tenants", {ALDER.client_id: {"permissions": []}})
    for expected in (0, 0, 1, 1):
        sync(customer)
        records = [record for record in caplog.records if record.message == "repeated failures"]
        assert len(records) == expected
    assert records[0].levelname == "ERROR"
    assert records[0].__dict__["customer_id"] == customer.pk
    assert Alert.objects.filter(rule="repeated_failures", integration=customer.integration).exists()
    zuora.sim("tenants", {ALDER.client_id: {"permissions": ["view"]}})
    sync(customer)
    assert Alert.objects.get(rule="repeated_failures").state == "recovered"


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


def test_a_killed_sync_goes_on_and_counts_once(zuora: Zuora, customer: ZuoraCustomer) -> None:
    zuora.seed(workflows=120)
    zuora.fault("status", status=400, after=1)
    job = sync(customer)
    Job.objects.filter(pk=job.pk).update(status=JobStatus.RUNNING, lease_until=timezone.now() - timedelta(1))
    work_off(job)
    assert job.status == JobStatus.SUCCEEDED
    assert counts_of(job) == {"processed": 120, "created": 120}
    assert Workflow.objects.count() == 120


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


def test_a_retry_of_a_job_keeps_its_customer(zuora: Zuora, customer: ZuoraCustomer) -> None:
    from integrations.jobs.operations import retry_job

    zuora.sim("tenants", {ALDER.client_id: {"permissions": []}})
    job = sync(customer)
    zuora.sim("tenants", {ALDER.client_id: {"permissions": ["view"]}})
    again = work_off(retry_job(job))
    assert again.status == JobStatus.SUCCEEDED
    assert again.args["customer_id"] == customer.pk
