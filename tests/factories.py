"""Rows for tests: `SyncLogFactory(failed=True)`, `UserFactory(permissions=["synclogs.view_synclog"])`."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import factory
from django.contrib.auth.models import Group, Permission
from django.db.models import Q
from django.utils import timezone
from factory.django import DjangoModelFactory

from accounts.models import Account, Membership, User, normalize_ws_username
from circuits.models import Circuit, CircuitAggregate, CircuitSnapshot, Region, UnlinkedPlanner
from circuits.statuses import ApiStatus
from integrations.models import Credential, Integration
from synclogs.models import (
    Alert,
    AlertState,
    AttemptOutcome,
    CommandExecution,
    Job,
    JobAttempt,
    JobQueue,
    JobStatus,
    SyncIssue,
    SyncLog,
    SyncPhase,
    SyncStatus,
    SyncTrigger,
)

# Calling a factory gives a row, which type checkers take for a factory unless its base is Any.
RowFactory: Any = DjangoModelFactory

PASSWORD = "correct horse battery staple"
COUNTED = ("created", "updated", "unchanged", "skipped", "failed")


def minutes_ago(minutes: float) -> Any:
    """A declaration: so many minutes before the row is made."""
    return factory.LazyFunction(lambda: timezone.now() - timedelta(minutes=minutes))


class UserFactory(RowFactory):
    """A person who may sign in to the admin; `permissions` are `app.codename`, `groups` are names."""

    class Meta:
        model = User
        skip_postgeneration_save = True

    username = factory.Sequence(lambda n: f"user{n}")
    email = factory.LazyAttribute(lambda user: f"{user.username}@example.com")
    password = factory.django.Password(PASSWORD)
    is_staff = True

    @factory.post_generation
    def permissions(self: Any, create: bool, names: Sequence[str] | None, **kwargs: Any) -> None:
        """Gives the user these permissions. Raises LookupError for one that does not exist."""
        if not names:
            return
        wanted = Q()
        for name in names:
            app, codename = name.split(".")
            wanted |= Q(content_type__app_label=app, codename=codename)
        found = list(Permission.objects.filter(wanted))
        if len(found) != len(set(names)):
            raise LookupError(f"of {sorted(names)} only these exist: {found}")
        self.user_permissions.add(*found)

    @factory.post_generation
    def groups(self: Any, create: bool, names: Sequence[str] | None, **kwargs: Any) -> None:
        """Puts the user into these groups, made where they do not exist."""
        for name in names or ():
            self.groups.add(Group.objects.get_or_create(name=name)[0])

    @factory.post_generation
    def accounts(self: Any, create: bool, accounts: Sequence[Account] | None, **kwargs: Any) -> None:
        """Makes the user a member of these accounts."""
        for account in accounts or ():
            Membership.objects.create(user=self, account=account)


class AccountFactory(RowFactory):
    """A tenant."""

    class Meta:
        model = Account

    name = factory.Sequence(lambda n: f"Account {n}")
    integration_access = True


class MembershipFactory(RowFactory):
    """A user's place in an account."""

    class Meta:
        model = Membership

    user = factory.SubFactory(UserFactory)
    account = factory.SubFactory(AccountFactory)


class IntegrationFactory(RowFactory):
    """A connection to WorkStudio."""

    class Meta:
        model = Integration

    account = factory.SubFactory(AccountFactory)
    provider = "workstudio"
    instance_type = "circuits"
    external_id = factory.Sequence(lambda n: f"installation-{n}")
    name = factory.Sequence(lambda n: f"WorkStudio {n}")


class JobFactory(RowFactory):
    """A circuit sync that waits for a worker; traits say how far it came."""

    class Meta:
        model = Job

    class Params:
        running = factory.Trait(
            status=JobStatus.RUNNING,
            started_at=minutes_ago(1),
            lease_until=minutes_ago(-1),
            owner="worker-1:4711",
            deliveries=1,
        )
        waiting = factory.Trait(
            status=JobStatus.RETRY_WAIT,
            run_at=minutes_ago(-10),
            wait_reason="retry 1 of 3 after 600 s",
            attempts=1,
            error_code="timeout",
            error_message="The job took longer than its class allows.",
        )
        succeeded = factory.Trait(
            status=JobStatus.SUCCEEDED,
            started_at=minutes_ago(2),
            finished_at=minutes_ago(1),
            duration_ms=61_000,
        )
        failed = factory.Trait(
            status=JobStatus.FAILED,
            attempts=1,
            started_at=minutes_ago(2),
            finished_at=minutes_ago(1),
            duration_ms=4_200,
            error_code="unavailable",
            error_message="WorkStudio API is unavailable",
        )
        cancelled = factory.Trait(
            status=JobStatus.CANCELLED, finished_at=minutes_ago(1), error_code="cancelled"
        )

    account = factory.LazyFunction(Account.objects.platform)
    queue = JobQueue.FETCH
    name = "circuits.sync_circuits"
    provider = "workstudio"
    job_type = "circuit_list"
    unique_key = factory.LazyFunction(lambda: f"workstudio_circuit_list_{uuid.uuid4()}")
    args = factory.LazyFunction(lambda: {"statuses": ["ACTIV"], "trigger": "manual"})


class JobAttemptFactory(RowFactory):
    """One try at a job, which succeeded."""

    class Meta:
        model = JobAttempt

    class Params:
        failed = factory.Trait(
            outcome=AttemptOutcome.FAILED,
            rule="not retryable",
            error_class="WorkStudioUnavailable",
            error_code="unavailable",
            error_message="WorkStudio API is unavailable",
            actionable_message="Check that WorkStudio is up.",
            traceback='Traceback (most recent call last):\n  File "job.py", line 1\nWorkStudioUnavailable',
        )

    job = factory.SubFactory(JobFactory, succeeded=True)
    number = factory.Sequence(lambda n: n + 1)
    outcome = AttemptOutcome.SUCCEEDED
    worker = "worker-1:4711"
    started_at = minutes_ago(2)
    finished_at = minutes_ago(1)


class SyncLogFactory(RowFactory):
    """A circuit run that completed five minutes ago; `records_processed` is what its parts add up to."""

    class Meta:
        model = SyncLog

    class Params:
        running = factory.Trait(
            sync_status=SyncStatus.STARTED,
            phase=SyncPhase.PROCESSING,
            completed_at=None,
            duration_seconds=None,
            records_expected=200,
        )
        warning = factory.Trait(
            sync_status=SyncStatus.WARNING,
            records_failed=2,
            error_code="records_lost",
            error_message="2 records could not be taken: see the issues.",
        )
        failed = factory.Trait(
            sync_status=SyncStatus.FAILED,
            records_created=0,
            records_updated=0,
            records_unchanged=0,
            error_code="unavailable",
            error_message="WorkStudio API is unavailable",
            error_details=factory.LazyFunction(
                lambda: {"what_to_do": "Check that WorkStudio is up, then retry.", "rule": "not retryable"}
            ),
        )
        cancelled = factory.Trait(
            sync_status=SyncStatus.CANCELLED,
            error_code="cancelled",
            error_message="Cancelled by an operator.",
        )

    account = factory.LazyFunction(Account.objects.platform)
    provider = "workstudio"
    sync_type = "circuit_list"
    sync_trigger = SyncTrigger.MANUAL
    sync_status = SyncStatus.COMPLETED
    started_at = minutes_ago(5)
    completed_at = factory.LazyAttribute(lambda run: run.started_at + timedelta(seconds=12))
    duration_seconds = 12.0
    records_created = 3
    records_updated = 10
    records_unchanged = 163
    records_skipped = 0
    records_failed = 0
    context = factory.LazyFunction(lambda: {"statuses": ["ACTIV"]})
    records_processed = factory.LazyAttribute(
        lambda run: sum(getattr(run, f"records_{part}") for part in COUNTED)
    )


class SyncIssueFactory(RowFactory):
    """A record that a run left out."""

    class Meta:
        model = SyncIssue

    run = factory.SubFactory(SyncLogFactory, warning=True)
    stream = "circuits"
    partition = "ACTIV"
    source_id = factory.LazyFunction(lambda: f"{{{str(uuid.uuid4()).upper()}}}")
    index = factory.Sequence(lambda n: n)
    field = "total_miles"
    error_code = "bad_value"
    error_message = "total_miles: 'a lot' is not a number"
    excerpt = "SS_WO='2026-4107', SS_EXT='@'"


class RegionFactory(RowFactory):
    """A region that an operator knows."""

    class Meta:
        model = Region

    name = factory.Sequence(lambda n: f"Region {n}")
    code = factory.Sequence(lambda n: f"R{n}")


class CircuitFactory(RowFactory):
    """A circuit in progress that nobody has taken."""

    class Meta:
        model = Circuit

    job_guid = factory.LazyFunction(lambda: f"{{{str(uuid.uuid4()).upper()}}}")
    work_order = factory.Sequence(lambda n: f"2026-{4100 + n}")
    title = factory.Sequence(lambda n: f"ALDER GROVE 69/12 KV {n:02d}-02 LINE")
    job_type = "Assessment Dx"
    region = factory.SubFactory(RegionFactory)
    contractor = "TREECO"
    api_status = ApiStatus.ACTIV
    total_miles = "22.41"
    miles_planned = "9.80"
    percent_complete = "44"
    api_modified_at = minutes_ago(180)
    last_synced_at = minutes_ago(30)
    ws_version = 31
    ws_sync_version = 31


class UnlinkedPlannerFactory(RowFactory):
    """A WorkStudio name that no user carries yet."""

    class Meta:
        model = UnlinkedPlanner

    ws_username = factory.Sequence(lambda n: f"TREECO\\planner{n}")
    ws_username_key = factory.LazyAttribute(lambda planner: normalize_ws_username(planner.ws_username))
    occurrence_count = 3
    first_seen_at = minutes_ago(60 * 24 * 9)
    last_seen_at = minutes_ago(45)


class AlertFactory(RowFactory):
    """An open, critical alert that belongs to no account."""

    class Meta:
        model = Alert

    class Params:
        recovered = factory.Trait(state=AlertState.RECOVERED, recovered_at=minutes_ago(1))

    fingerprint = factory.LazyFunction(lambda: uuid.uuid4().hex)
    rule = "credential_refused"
    severity = "critical"
    source = "circuits.sync_circuits"
    error_code = "unauthorized"
    message = "WorkStudio refused the login"
    actionable_message = "Enter the login again."
    first_seen = minutes_ago(90)
    last_seen = minutes_ago(2)


class CommandExecutionFactory(RowFactory):
    """A command that completed."""

    class Meta:
        model = CommandExecution

    command = "sync_circuits"
    status = "completed"
    started_at = minutes_ago(3)
    finished_at = minutes_ago(2)
    duration_ms = 61_000
    counters = factory.LazyFunction(lambda: {"created": 3})


class CredentialFactory(RowFactory):
    """A WorkStudio login of a whole account."""

    class Meta:
        model = Credential

    account = factory.SubFactory(AccountFactory)
    provider = "workstudio"
    label = factory.Sequence(lambda n: f"Login {n}")
    secrets = factory.LazyFunction(
        lambda: {"username": "TREECO\\planted-name", "password": "planted-password"}
    )


class CircuitAggregateFactory(RowFactory):
    """What is planned on a circuit today."""

    class Meta:
        model = CircuitAggregate

    circuit = factory.SubFactory(CircuitFactory)
    aggregate_date = factory.LazyFunction(timezone.localdate)
    total_units = 10
    total_linear_ft = "1250.50"
    units_approved = 6
    units_refused = 1
    units_pending = 3
    permission_counts = factory.LazyFunction(lambda: {"Approved": 6, "Refused": 1, "Pending": 3})
    unit_counts_by_type = factory.LazyFunction(lambda: {"SPM": 9, "ODD": 1})
    linear_ft_by_type = factory.LazyFunction(lambda: {"SPM": 1250.5})
    planner_distribution = factory.LazyFunction(
        lambda: {"TREECO\\mvance": {"unit_count": 10, "linear_ft": 1250.5, "acres": 0, "trees": 0}}
    )


class CircuitSnapshotFactory(RowFactory):
    """How a circuit stands today."""

    class Meta:
        model = CircuitSnapshot

    circuit = factory.SubFactory(CircuitFactory)
    snapshot_type = "daily"
    snapshot_date = factory.LazyFunction(timezone.localdate)
    percent_complete = "44"
    miles_planned = "9.80"
    api_status = ApiStatus.ACTIV
    workflow_stage = "active"
