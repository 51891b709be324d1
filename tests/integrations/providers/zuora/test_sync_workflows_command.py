"""manage.py sync_workflows: its wording, its exit codes, and the jobs that it makes."""

from __future__ import annotations

import io
import json
import logging
from datetime import timedelta
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError
from django.utils import timezone
from pytest_django import Settings

from integrations.providers.zuora import services
from integrations.providers.zuora.management.commands import sync_workflows
from integrations.providers.zuora.models import CustomerStatus, Workflow, ZuoraCustomer
from synclogs.models import CommandExecution, Job, JobQueue, JobStatus, SyncLog
from tests.factories import AccountFactory
from tests.integrations.providers.zuora.conftest import ALDER, BIRCH, MakeCustomer, Zuora

pytestmark = pytest.mark.django_db


class Said:
    """What a call of the command came to."""

    def __init__(self, out: str, err: str, code: int) -> None:
        self.out, self.err, self.code = out.splitlines(), err.splitlines(), code


def run(*arguments: Any) -> Said:
    out, err, code = io.StringIO(), io.StringIO(), 0
    try:
        call_command("sync_workflows", *map(str, arguments), stdout=out, stderr=err)
    except CommandError as error:
        code = error.returncode
        err.write(f"{error}\n")
    except SystemExit as exit_:
        code = int(exit_.code or 0)
    return Said(out.getvalue(), err.getvalue(), code)


def test_one_customer(customer: ZuoraCustomer) -> None:
    said = run(customer.pk)
    assert said.out == [
        f"Syncing workflows for customer: {customer.name}",
        f"Sync job dispatched for customer: {customer.name}",
    ]
    assert (said.err, said.code) == ([], 0)
    job = Job.objects.get()
    assert (job.queue, job.status) == (JobQueue.WORKFLOWS, JobStatus.QUEUED)
    assert job.args["customer_id"] == customer.pk
    assert job.run_at <= timezone.now()


@pytest.mark.parametrize(("minutes", "is_recent"), [(59, True), (60, False)])
def test_one_customer_that_was_synced_recently(
    customer: ZuoraCustomer, minutes: int, is_recent: bool
) -> None:
    ZuoraCustomer.objects.update(last_synced_at=timezone.now() - timedelta(minutes=minutes))
    said = run(customer.pk)
    if is_recent:
        assert said.out == [f"Customer {customer.name} was synced recently. Use --force to override."]
    else:
        assert len(said.out) == 2
    assert said.code == 0
    assert Job.objects.exists() is not is_recent


def test_force_overrides_recency(customer: ZuoraCustomer) -> None:
    ZuoraCustomer.objects.update(last_synced_at=timezone.now())
    said = run(customer.pk, "--force")
    assert said.out == [
        f"Syncing workflows for customer: {customer.name}",
        f"Sync job dispatched for customer: {customer.name}",
    ]
    assert Job.objects.get().args["force"] is True


def test_a_named_customer_is_synced_although_it_is_inactive(
    customer: ZuoraCustomer, caplog: pytest.LogCaptureFixture
) -> None:
    ZuoraCustomer.objects.update(sync_status=CustomerStatus.INACTIVE)
    assert run(customer.pk).code == 0
    assert Job.objects.count() == 1
    assert "inactive" in caplog.text


def test_all_customers_that_are_due_are_spread_over_a_minute(
    make_customer: MakeCustomer, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn = iter((1, 60, 30))
    monkeypatch.setattr(sync_workflows.Command.random_source, "randint", lambda low, high: next(drawn))
    hour = timedelta(hours=1)
    first, second, third = make_customer(), make_customer(), make_customer()
    make_customer(last_synced_at=timezone.now())
    make_customer(sync_status=CustomerStatus.INACTIVE)
    make_customer(sync_status=CustomerStatus.NEEDS_ATTENTION)
    ZuoraCustomer.objects.filter(pk=second.pk).update(last_synced_at=timezone.now() - hour)
    before = timezone.now()
    said = run()
    assert said.out == ["Dispatching sync jobs for 3 customers", "Sync jobs dispatched for 3 customers"]
    assert said.code == 0
    jobs = {job.args["customer_id"]: job for job in Job.objects.all()}
    assert list(jobs) != []
    delays = [round((jobs[one.pk].run_at - before).total_seconds()) for one in (first, second, third)]
    assert delays == [1, 60, 30]
    assert all(job.enqueued_at is None for job in jobs.values())


def test_the_delays_are_whole_seconds_from_1_to_60(
    make_customer: MakeCustomer, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[int, int]] = []

    def randint(low: int, high: int) -> int:
        asked.append((low, high))
        return low

    monkeypatch.setattr(sync_workflows.Command.random_source, "randint", randint)
    make_customer()
    run()
    assert asked == [(1, 60)]


def test_the_plural_never_changes(customer: ZuoraCustomer) -> None:
    assert run().out == ["Dispatching sync jobs for 1 customers", "Sync jobs dispatched for 1 customers"]


def test_force_with_all_takes_recent_ones_but_only_active(make_customer: MakeCustomer) -> None:
    make_customer(last_synced_at=timezone.now())
    make_customer(sync_status=CustomerStatus.INACTIVE)
    assert run("--force").out[0] == "Dispatching sync jobs for 1 customers"


def test_no_customer_is_due(customer: ZuoraCustomer) -> None:
    ZuoraCustomer.objects.update(last_synced_at=timezone.now())
    said = run()
    assert (said.out, said.code) == (["No customers need syncing."], 0)


def test_customers_whose_account_or_connection_rests_are_left_out(make_customer: MakeCustomer) -> None:
    paused = make_customer()
    paused.integration.paused = True
    paused.integration.save()
    make_customer(account=AccountFactory(status="expired"))
    assert run().out == ["No customers need syncing."]


@pytest.mark.parametrize("given", ["0", "-5", "abc", "1.5", "", "٣"])
def test_a_bad_id_is_an_error(customer: ZuoraCustomer, caplog: pytest.LogCaptureFixture, given: str) -> None:
    said = run(given)
    assert (said.out, said.err, said.code) == ([], [f"Sync failed: Invalid customer ID: {given}"], 1)
    assert not Job.objects.exists()
    [record] = [one for one in caplog.records if one.message == "Workflow sync command failed"]
    assert record.__dict__["customer_id"] == given
    assert record.__dict__["error"] == f"Invalid customer ID: {given}"


@pytest.mark.parametrize("given", ["987654", "9" * 30])
def test_an_unknown_id_is_an_error(given: str) -> None:
    said = run(given)
    assert (said.out, said.err, said.code) == ([], [f"Sync failed: Customer {given} not found"], 1)


@pytest.mark.parametrize("queue", JobQueue.values)
def test_every_queue_can_be_chosen(customer: ZuoraCustomer, queue: str) -> None:
    assert run(customer.pk, f"--queue={queue}").code == 0
    assert Job.objects.get().queue == queue


def test_a_bad_queue_is_an_error(customer: ZuoraCustomer) -> None:
    said = run(customer.pk, "--queue=nightly")
    assert (said.out, said.err, said.code) == ([], ['Sync failed: Queue "nightly" is not configured'], 1)


def test_an_unknown_option_is_the_parsers_business(customer: ZuoraCustomer) -> None:
    with pytest.raises(SystemExit) as caught:
        sync_workflows.Command().run_from_argv(["manage.py", "sync_workflows", "--weekly"])
    assert caught.value.code == 2
    assert not Job.objects.exists()


def test_asking_twice_dispatches_once(customer: ZuoraCustomer) -> None:
    run(customer.pk)
    run(customer.pk)
    assert Job.objects.count() == 1


def test_a_named_customer_that_waits_its_turn_is_brought_forward(customer: ZuoraCustomer) -> None:
    run()
    assert Job.objects.get().run_at > timezone.now()
    run(customer.pk)
    assert Job.objects.get().run_at <= timezone.now()


def test_one_customer_that_cannot_be_dispatched_does_not_stop_the_others(
    make_customer: MakeCustomer, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    good, bad, other = make_customer(), make_customer(), make_customer()
    real = services.queue_sync

    def queue_sync(customer: ZuoraCustomer, **options: Any) -> Job:
        if customer.pk == bad.pk:
            raise DatabaseError("no room")
        return real(customer, **options)

    monkeypatch.setattr(services, "queue_sync", queue_sync)
    said = run()
    assert said.out == ["Dispatching sync jobs for 3 customers", "Sync jobs dispatched for 2 customers"]
    assert said.err == [f"Sync failed: {bad.name}: no room"]
    assert said.code == 1
    assert {job.args["customer_id"] for job in Job.objects.all()} == {good.pk, other.pk}
    assert "Workflow sync command failed" in caplog.messages


def test_each_dispatch_is_logged(customer: ZuoraCustomer, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    run(customer.pk)
    job = Job.objects.get()
    [line] = [text for text in caplog.messages if "dispatched" in text]
    assert all(part in line for part in (f"customer {customer.pk}", "queue workflows", str(job.pk)))


@pytest.fixture
def broker_down(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lets no broker answer."""
    monkeypatch.setattr(services.qcluster, "is_reachable", lambda queue: False)


@pytest.mark.usefixtures("broker_down")
def test_without_a_broker_the_sync_runs_here(zuora: Zuora, customer: ZuoraCustomer) -> None:
    zuora.seed(workflows=3)
    said = run(customer.pk)
    assert said.out == [
        'Queue "workflows" is unavailable, running sync now',
        f"Sync completed for customer: {customer.name}",
    ]
    assert (said.err, said.code) == ([], 0)
    assert Workflow.objects.count() == 3
    assert Job.objects.get().status == JobStatus.SUCCEEDED


@pytest.mark.usefixtures("broker_down")
def test_without_a_broker_waiting_jobs_are_done_here_and_not_doubled(
    zuora: Zuora, customer: ZuoraCustomer
) -> None:
    waiting = services.queue_sync(customer, run_at=timezone.now() + timedelta(seconds=40))
    run()
    assert [job.pk for job in Job.objects.filter(status=JobStatus.SUCCEEDED)] == [waiting.pk]
    assert Job.objects.count() == SyncLog.objects.count() == 1


@pytest.mark.usefixtures("broker_down")
def test_without_a_broker_one_failure_does_not_stop_the_others(
    zuora: Zuora, make_customer: MakeCustomer
) -> None:
    good, bad = make_customer(login=ALDER), make_customer(login=BIRCH)
    zuora.sim("tenants", {BIRCH.client_id: {"permissions": []}})
    said = run()
    assert said.out == [
        'Queue "workflows" is unavailable, running sync now',
        f"Sync completed for customer: {good.name}",
    ]
    assert len(said.err) == 1
    assert said.err[0].startswith(
        f"Sync failed for customer {bad.name}: zuora: Client lacks Workflow View Access"
    )
    assert said.code == 1


@pytest.mark.usefixtures("broker_down")
def test_without_a_broker_and_without_fallback_it_is_an_error(
    customer: ZuoraCustomer, settings: Settings
) -> None:
    settings.ZUORA_QUEUE_FALLBACK = False
    said = run(customer.pk)
    assert (said.out, said.err, said.code) == ([], ['Sync failed: Queue "workflows" is unavailable'], 1)
    assert not Job.objects.exists()


def test_json_is_one_object_and_nothing_else(customer: ZuoraCustomer) -> None:
    [line] = run(customer.pk, "--json").out
    told = json.loads(line)
    assert (told["command"], told["status"]) == ("sync_workflows", "ok")
    assert told["counters"] == {"selected": 1, "dispatched": 1}
    assert told["jobs"] == [str(Job.objects.get().pk)]


def test_json_of_an_error_is_one_object_too(customer: ZuoraCustomer) -> None:
    said = run(0, "--json")
    [error] = json.loads(said.out[0])["errors"]
    assert (error["code"], error["message"], said.code) == (
        "sync_failed",
        "Sync failed: Invalid customer ID: 0",
        1,
    )


def test_quiet_says_nothing_when_all_is_well(customer: ZuoraCustomer) -> None:
    said = run("--quiet")
    assert (said.out, said.err, said.code) == ([], [], 0)


def test_a_dry_run_writes_nothing(customer: ZuoraCustomer) -> None:
    said = run("--dry-run")
    assert said.out == [f"Dry run: a sync would be dispatched for customer: {customer.name}"]
    assert not Job.objects.exists()
    assert not CommandExecution.objects.exists()
