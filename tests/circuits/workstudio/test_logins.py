"""Whose login a call is made with, what becomes of one that is refused, and the way back."""

from __future__ import annotations

import json

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from accounts.models import Account
from circuits import services
from circuits.aggregates.selection import Wanted
from circuits.models import Circuit, CircuitAggregate, CircuitPlanner
from circuits.workstudio.choosing import choose_logins
from circuits.workstudio.errors import WorkStudioNotConfigured
from circuits.workstudio.sandbox import PASSWORD, SERVICE_USERNAME
from integrations.alerts.credentials import recover_mended
from integrations.models import Credential, CredentialStatus
from synclogs.counts import Counts
from synclogs.models import Alert, AlertState, SyncLog, SyncStatus
from synclogs.progress import SilentReporter
from tests.circuits.conftest import Sync, WorkStudio
from tests.factories import AccountFactory, CircuitFactory, CredentialFactory, UserFactory

pytestmark = pytest.mark.django_db

PLANNER = "TREECO\\mvance"
OTHER = "OAKLINE\\d.moreau"


@pytest.fixture(autouse=True)
def _logins(workstudio: WorkStudio) -> None:
    """WorkStudio knows two planners; one sees no region, which planned units do not ask about."""
    workstudio.seed(10)
    workstudio.sim("users", {name: {"password": PASSWORD, "regions": []} for name in (PLANNER, OTHER)})


def stored(username: str, password: str = PASSWORD, **columns: object) -> Credential:
    """A login in the platform's account; the service account's unless `user` says whose."""
    secrets = {"username": username, "password": password}
    row: Credential = CredentialFactory(account=Account.objects.platform(), secrets=secrets, **columns)
    return row


def circuit_of(*credentials: Credential, work_order: str = "2026-4107") -> Circuit:
    """A circuit that the owners of these credentials plan."""
    circuit: Circuit = CircuitFactory(work_order=work_order, region=None)
    for credential in credentials:
        CircuitPlanner.objects.create(circuit=circuit, user_id=credential.user_id)
    return circuit


def measure() -> SyncLog:
    job, _ = services.sync_aggregates_now(Wanted(force=True), SilentReporter())
    return SyncLog.objects.get(job=job)


def used(workstudio: WorkStudio) -> list[str]:
    """Whether each view call's login was valid, oldest first."""
    return [call["auth"] for call in workstudio.calls()]


def status_of(credential: Credential) -> tuple[str, str, int, bool]:
    credential.refresh_from_db()
    used_before = credential.last_used_at is not None
    return credential.status, credential.status_reason, credential.failure_count, used_before


ACTIVE = (CredentialStatus.ACTIVE, "", 0, True)
UNUSED = (CredentialStatus.ACTIVE, "", 0, False)
REFUSED = (CredentialStatus.NEEDS_ATTENTION, "unauthorized", 1, False)


def test_a_planner_s_own_login_comes_before_the_service_account_s(workstudio: WorkStudio) -> None:
    service = stored(SERVICE_USERNAME)
    own = stored(PLANNER, user=UserFactory())
    circuit_of(own)
    assert measure().counts == Counts(created=1)
    assert (status_of(own), status_of(service)) == (ACTIVE, UNUSED)


def test_a_circuit_that_nobody_plans_is_asked_for_as_the_service_account(workstudio: WorkStudio) -> None:
    service = stored(SERVICE_USERNAME)
    own = stored(PLANNER, user=UserFactory())
    circuit_of()
    measure()
    assert (status_of(own), status_of(service)) == (UNUSED, ACTIVE)


def test_the_list_of_circuits_is_asked_for_as_the_service_account_only(
    workstudio: WorkStudio, sync: Sync
) -> None:
    stored(SERVICE_USERNAME)
    own = stored(PLANNER, user=UserFactory())
    circuit_of(own)
    run = sync()
    assert (run.sync_status, run.counts.processed) == (SyncStatus.COMPLETED, 6)
    assert status_of(own) == UNUSED


def test_a_refused_planner_needs_attention_and_the_next_one_is_asked(workstudio: WorkStudio) -> None:
    wrong = stored(PLANNER, "old-password", user=UserFactory())
    right = stored(OTHER, user=UserFactory())
    for number in range(3):
        circuit_of(wrong, right, work_order=f"wo-{number}")
    run = measure()
    assert (run.sync_status, run.counts) == (SyncStatus.COMPLETED, Counts(created=3))
    assert used(workstudio) == ["invalid", "valid", "valid", "valid"]
    assert (status_of(wrong), status_of(right)) == (REFUSED, ACTIVE)
    alert = Alert.objects.get()
    assert (alert.rule, alert.state) == ("credential_refused", AlertState.OPEN)
    assert "old-password" not in json.dumps(alert.context) + alert.message + str(run.as_dict())


def test_when_every_planner_is_refused_the_service_account_is_asked(workstudio: WorkStudio) -> None:
    service = stored(SERVICE_USERNAME)
    wrong = stored(PLANNER, "old-password", user=UserFactory())
    circuit_of(wrong)
    assert measure().sync_status == SyncStatus.COMPLETED
    assert (status_of(wrong), status_of(service)) == (REFUSED, ACTIVE)
    workstudio.clear_journal()
    measure()
    assert used(workstudio) == ["valid"]


def test_when_every_login_is_refused_the_run_fails_and_what_was_fetched_is_kept(
    workstudio: WorkStudio,
) -> None:
    service = stored(SERVICE_USERNAME, "old-password")
    own = stored(PLANNER, user=UserFactory())
    circuit_of(own, work_order="wo-1")
    for number in range(2, 7):
        circuit_of(work_order=f"wo-{number}")
    circuit_of(own, work_order="wo-7")
    run = measure()
    assert (run.sync_status, run.counts) == (SyncStatus.WARNING, Counts(created=2, failed=5))
    assert used(workstudio) == ["valid", "invalid", "valid"]
    assert {issue.error_code for issue in run.issues.all()} == {"unauthorized"}
    assert status_of(service) == REFUSED
    own.replace_secrets({"username": PLANNER, "password": "mistyped"})
    run = measure()
    assert (run.sync_status, run.error_code) == (SyncStatus.FAILED, "unauthorized")


def test_a_forbidden_view_is_no_reason_to_doubt_the_login(workstudio: WorkStudio) -> None:
    stored(SERVICE_USERNAME)
    own = stored(PLANNER, user=UserFactory())
    circuit_of(own)
    workstudio.fault("status", status=403)
    assert measure().counts == Counts(created=1)
    assert status_of(own) == UNUSED


def test_the_service_account_s_401_fails_the_run_and_new_secrets_are_the_way_back(
    workstudio: WorkStudio, sync: Sync
) -> None:
    service = stored(SERVICE_USERNAME, "old-password")
    run = sync("ACTIV", "QC")
    assert (run.sync_status, run.error_code) == (SyncStatus.FAILED, "unauthorized")
    assert used(workstudio) == ["invalid"]
    assert status_of(service) == REFUSED
    run = sync()
    assert (run.sync_status, run.error_code) == (SyncStatus.FAILED, "not_configured")
    assert "needs attention (unauthorized)" in run.error_message
    assert used(workstudio) == ["invalid"]
    service.replace_secrets({"username": SERVICE_USERNAME, "password": PASSWORD})
    assert sync().sync_status == SyncStatus.COMPLETED
    assert status_of(service) == ACTIVE


def test_a_login_that_was_replaced_while_it_was_refused_stays_active(workstudio: WorkStudio) -> None:
    own = stored(PLANNER, "old-password", user=UserFactory())
    logins = choose_logins(own.account, {"wo": [own.user_id or 0]})
    Credential.objects.get(pk=own.pk).replace_secrets({"username": PLANNER, "password": PASSWORD})
    with services.WorkStudioClient(logins) as client:
        client.planned_units("wo")
    assert status_of(own)[0] == CredentialStatus.ACTIVE


def test_the_alert_of_a_refused_planner_ends_when_the_login_is_mended(workstudio: WorkStudio) -> None:
    own = stored(PLANNER, "old-password", user=UserFactory())
    circuit_of(own)
    measure()
    assert recover_mended() == 0
    own.replace_secrets({"username": PLANNER, "password": PASSWORD})
    assert recover_mended() == 1
    assert Alert.objects.get().state == AlertState.RECOVERED


@pytest.mark.parametrize("status", [status for status in CredentialStatus if status != "active"])
def test_only_active_logins_are_used_and_the_environment_does_not_stand_in(
    workstudio: WorkStudio, sync: Sync, status: str
) -> None:
    service = stored(SERVICE_USERNAME, status=status)
    own = stored(PLANNER, user=UserFactory(), status=status)
    circuit_of(own)
    assert sync().error_code == "not_configured"
    assert measure().error_code == "not_configured"
    assert workstudio.calls() == []
    service.delete()
    assert measure().sync_status == SyncStatus.COMPLETED
    assert own.last_used_at is None


def test_logins_of_other_accounts_and_of_people_who_left_are_not_used(workstudio: WorkStudio) -> None:
    foreign = CredentialFactory(account=AccountFactory(), user=UserFactory())
    left = stored(PLANNER, user=UserFactory(is_active=False))
    other_vendor = stored(OTHER, user=UserFactory(), provider="zuora")
    circuit_of(foreign, left, other_vendor)
    assert measure().sync_status == SyncStatus.COMPLETED
    assert used(workstudio) == ["valid"]
    assert all(row.last_used_at is None for row in Credential.objects.all())


def test_the_login_that_rested_longest_is_used_first(workstudio: WorkStudio) -> None:
    first, second = (stored(name, user=UserFactory()) for name in (PLANNER, OTHER))
    circuit_of(first, second)
    measure()
    assert (status_of(first), status_of(second)) == (ACTIVE, UNUSED)
    measure()
    assert (status_of(first), status_of(second)) == (ACTIVE, ACTIVE)


@pytest.mark.parametrize(
    ("secrets", "code"), [({"username": "A\\b"}, "not_configured"), ("sealed", "secret_unreadable")]
)
def test_a_login_that_cannot_be_read_stops_no_other(
    workstudio: WorkStudio, settings: Settings, secrets: object, code: str
) -> None:
    own = stored(PLANNER, user=UserFactory())
    if secrets == "sealed":
        with connection.cursor() as cursor:
            cursor.execute("UPDATE credentials SET secrets = 'gAAAAA-not-ours'")
    else:
        Credential.objects.filter(pk=own.pk).update(secrets=secrets)
    circuit_of(own)
    assert measure().sync_status == SyncStatus.COMPLETED
    assert status_of(own) == UNUSED
    settings.WORKSTUDIO_USERNAME = ""
    run = measure()
    assert (run.sync_status, run.error_code) == (SyncStatus.FAILED, code)


@pytest.mark.parametrize("name", ["WORKSTUDIO_USERNAME", "WORKSTUDIO_PASSWORD"])
def test_without_a_login_it_says_which_variable_is_missing(settings: Settings, name: str) -> None:
    setattr(settings, name, "")
    with pytest.raises(WorkStudioNotConfigured, match=name):
        choose_logins(Account.objects.platform())


def test_a_preview_writes_nothing_about_logins(workstudio: WorkStudio) -> None:
    own = stored(PLANNER, "old-password", user=UserFactory())
    circuit_of(own)
    with CaptureQueriesContext(connection) as queries:
        assert len(list(services.preview_aggregates(Wanted(force=True)))) == 1
    assert used(workstudio) == ["invalid", "valid"]
    assert [query["sql"] for query in queries if not query["sql"].startswith("SELECT")] == []
    assert status_of(own) == UNUSED


def test_queries_do_not_grow_with_planners(workstudio: WorkStudio) -> None:
    def count(work_orders: int) -> int:
        Circuit.objects.all().delete()
        for number in range(work_orders):
            circuit_of(*Credential.objects.all(), work_order=f"wo-{number}")
        with CaptureQueriesContext(connection) as queries:
            measure()
        assert CircuitAggregate.objects.count() == work_orders
        return len([query for query in queries if "live_events" not in query["sql"]])

    stored(PLANNER, user=UserFactory())
    stored(OTHER, user=UserFactory())
    count(1)
    assert count(2) == count(20)
