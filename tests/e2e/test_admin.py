"""Operators at work in a real browser."""

from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import Page, expect

from accounts.models import User
from circuits.models import CircuitPlanner, UnitType, UnlinkedPlanner
from synclogs.models import Job, SyncLog, SyncStatus
from tests.factories import (
    AlertFactory,
    CircuitAggregateFactory,
    CircuitFactory,
    CircuitSnapshotFactory,
    CommandExecutionFactory,
    CredentialFactory,
    IntegrationFactory,
    JobAttemptFactory,
    JobFactory,
    SyncIssueFactory,
    SyncLogFactory,
    UnlinkedPlannerFactory,
    UserFactory,
)

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

RUNS = "admin:synclogs_synclog_changelist"
PLANNERS = "admin:circuits_unlinkedplanner_changelist"
MODELS = (
    "circuits_circuit",
    "circuits_unlinkedplanner",
    "circuits_region",
    "circuits_apistatusconfig",
    "circuits_circuitaggregate",
    "circuits_circuitsnapshot",
    "circuits_unittype",
    "synclogs_synclog",
    "synclogs_job",
    "synclogs_alert",
    "synclogs_commandexecution",
    "integrations_integration",
    "integrations_credential",
    "accounts_account",
    "accounts_user",
    "auth_group",
    "admin_logentry",
)


def test_an_operator_signs_in_and_sees_the_dashboard(signed_in: Page) -> None:
    expect(signed_in.get_by_role("heading", name="Dashboard")).to_be_visible()
    expect(signed_in.get_by_text("Nothing is running.")).to_be_visible()


def test_no_page_has_script_errors_or_asks_other_hosts(signed_in: Page) -> None:
    connection = IntegrationFactory()
    job = JobFactory(failed=True, integration=connection)
    run = SyncLogFactory(warning=True, job=job, integration=connection)
    JobAttemptFactory(job=job, failed=True)
    SyncIssueFactory(run=run)
    rows: list[Any] = [
        run,
        job,
        connection,
        CircuitFactory(last_run=run),
        UnlinkedPlannerFactory(),
        UserFactory(),
        CircuitAggregateFactory(),
        CircuitSnapshotFactory(),
        AlertFactory(),
        CommandExecutionFactory(),
        CredentialFactory(),
        UnitType.objects.first(),
    ]

    for model in MODELS:
        signed_in.goto(reverse(f"admin:{model}_changelist"))
    signed_in.goto(reverse("admin:integrations_integration_schedules"))
    for row in rows:
        signed_in.goto(reverse(f"admin:{row._meta.label_lower.replace('.', '_')}_change", args=[row.pk]))
        expect(signed_in.locator("#content")).to_be_visible()


def test_the_runs_list_follows_a_run_to_its_end_and_then_stops_asking(signed_in: Page) -> None:
    run = SyncLogFactory(running=True, job=JobFactory(running=True))
    signed_in.goto(reverse(RUNS))
    outcome = signed_in.locator(f'[data-part="run-{run.pk}-outcome"]')
    expect(outcome).to_contain_text("176 of 200")

    SyncLog.objects.filter(pk=run.pk).update(records_processed=190, records_unchanged=177)
    expect(outcome).to_contain_text("190 of 200")

    SyncLog.objects.filter(pk=run.pk).update(
        sync_status=SyncStatus.COMPLETED, completed_at=timezone.now(), duration_seconds=9.5
    )
    expect(signed_in.locator(f'[data-part="run-{run.pk}-status"]')).to_contain_text("completed")
    expect(outcome).to_contain_text("177 unchanged")
    expect(signed_in.locator("[data-live]")).to_have_attribute("data-live-state", "over")

    asked: list[str] = []
    signed_in.on("request", lambda request: asked.append(request.url))
    signed_in.wait_for_timeout(3000)
    assert asked == []


def test_a_run_that_ended_while_watched_is_retried_from_its_row(signed_in: Page) -> None:
    run = SyncLogFactory(running=True, job=JobFactory(failed=True))
    signed_in.goto(reverse(RUNS))
    SyncLog.objects.filter(pk=run.pk).update(sync_status=SyncStatus.FAILED, duration_seconds=9.5)

    signed_in.get_by_role("button", name="Retry").click()

    expect(signed_in.get_by_text("waits for a free worker")).to_be_visible()
    assert Job.objects.get(retry_of=run.job).queue == "high-priority"


def test_a_job_page_follows_the_job(signed_in: Page) -> None:
    job = JobFactory()
    signed_in.goto(reverse("admin:synclogs_job_change", args=[job.pk]))
    expect(signed_in.get_by_text("waits for a free worker")).to_be_visible()

    Job.objects.filter(pk=job.pk).update(status="succeeded", finished_at=timezone.now())

    expect(signed_in.get_by_text("There is nothing to do.")).to_be_visible()


def test_sync_now_is_two_clicks_from_the_circuits(signed_in: Page) -> None:
    signed_in.goto(reverse("admin:circuits_circuit_changelist"))

    signed_in.locator("summary", has_text="Sync now").click()
    signed_in.get_by_label("Rework").check()
    signed_in.get_by_role("button", name="Queue the sync").click()

    expect(signed_in.get_by_text("A sync of ACTIV, REWRK is queued.")).to_be_visible()
    assert Job.objects.get().args["statuses"] == ["ACTIV", "REWRK"]


@pytest.fixture
def mvance(transactional_db: None) -> User:
    """The user whom the name TREECO\\mvance suggests."""
    user: User = UserFactory(username="mvance", first_name="Morgan", last_name="Vance")
    return user


def test_an_unlinked_planner_is_linked_by_one_click(signed_in: Page, operator: User, mvance: User) -> None:
    planner = UnlinkedPlannerFactory(ws_username="TREECO\\mvance")
    CircuitFactory.create_batch(2, taken_by="TREECO\\mvance")
    signed_in.goto(reverse(PLANNERS))

    signed_in.get_by_role("button", name="Link to mvance").click()

    expect(signed_in.get_by_text("TREECO\\mvance is linked to mvance: 2 circuits linked.")).to_be_visible()
    expect(signed_in.get_by_role("heading", name="Every planner has a user")).to_be_visible()
    planner.refresh_from_db()
    assert planner.linked_to_user == mvance
    assert CircuitPlanner.objects.filter(user=mvance).count() == 2
    assert LogEntry.objects.get().user == operator


def test_another_user_is_found_while_typing(signed_in: Page, mvance: User) -> None:
    planner = UnlinkedPlannerFactory(ws_username="UTILITY\\k.dorn")
    UserFactory.create_batch(5)
    signed_in.goto(reverse("admin:circuits_unlinkedplanner_change", args=[planner.pk]))
    expect(signed_in.locator("#users tr")).to_have_count(7)

    signed_in.get_by_label("Search all users").press_sequentially("morgan")
    expect(signed_in.locator("#users tr")).to_have_count(1)
    signed_in.locator("#users").get_by_role("button", name="Link").click()

    expect(signed_in.get_by_text("is linked to mvance")).to_be_visible()


def test_selected_planners_are_linked_after_a_confirmation(signed_in: Page, mvance: User) -> None:
    UnlinkedPlannerFactory(ws_username="TREECO\\mvance")
    UnlinkedPlannerFactory(ws_username="TREECO\\nobody")
    signed_in.goto(reverse(PLANNERS))

    signed_in.locator("#action-toggle").check()
    signed_in.get_by_label("Select action to run").select_option("link_selected")
    signed_in.get_by_role("button", name="Run").click()
    expect(signed_in.get_by_text("no user with a similar name is free")).to_be_visible()
    signed_in.get_by_role("button", name="Link them").click()

    expect(signed_in.get_by_text("is linked to mvance")).to_be_visible()
    assert UnlinkedPlanner.objects.filter(linked_to_user=mvance).count() == 1


def test_a_planner_is_added_to_a_circuit_by_hand(signed_in: Page, operator: User, mvance: User) -> None:
    circuit = CircuitFactory()
    signed_in.goto(reverse("admin:circuits_circuit_change", args=[circuit.pk]))

    signed_in.get_by_text("Add another Planner").click()
    signed_in.locator("#planner_links-group .select2-selection").last.click()
    signed_in.locator(".select2-search__field").press_sequentially("mvan")
    signed_in.locator(".select2-results__option", has_text="mvance").click()
    signed_in.get_by_role("button", name="Save", exact=True).click()
    expect(signed_in.get_by_text("was changed successfully")).to_be_visible()

    link = CircuitPlanner.objects.get()
    assert (link.user, link.assignment_source, link.assigned_by) == (mvance, "manual", operator)


def test_relative_moments_are_kept_true(signed_in: Page) -> None:
    SyncLogFactory(started_at=timezone.now())
    signed_in.clock.install()
    signed_in.goto(reverse(RUNS))
    moment = signed_in.locator("#result_list time").first
    expect(moment).to_have_text("just now")

    signed_in.clock.fast_forward("02:10")

    expect(moment).to_have_text("2 min ago")
