"""Hevy against its simulator: a key is connected, the history comes, then what changes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import Settings

from integrations.http.errors import Unauthorized
from integrations.jobs.runner import run_job
from integrations.models import (
    Block,
    Credential,
    CredentialStatus,
    Event,
    EventObject,
    Integration,
    SyncCursor,
)
from integrations.providers.hevy import jobs
from integrations.providers.hevy.client import HevyClient, check_credential
from integrations.providers.hevy.connecting import connect
from integrations.providers.hevy.jobs import HevyWorkoutHistory, HevyWorkoutPull
from integrations.providers.hevy.sandbox import API_KEY, HevySandbox
from integrations.providers.hevy.sandbox.data import iso, workout
from integrations.sandbox import SandboxServer
from synclogs.models import WAITING_JOB_STATUSES, Job, JobStatus, SyncIssue, SyncLog, SyncStatus
from tests.factories import AccountFactory, UserFactory

pytestmark = pytest.mark.django_db

SLUG = "hevy"
Fault = Callable[..., None]


@pytest.fixture(scope="module")
def served() -> Iterator[SandboxServer]:
    with SandboxServer([HevySandbox()]) as server:
        yield server


@pytest.fixture
def hevy(served: SandboxServer, settings: Settings) -> Iterator[HevySandbox]:
    settings.HEVY_API_URL = served.url_for(SLUG)
    settings.HEVY_REQUESTS_PER_SECOND = 1000
    settings.JOB_LEASE_SECONDS = 600.0
    mount = served.mounts[SLUG]
    mount.journal.clear()
    assert isinstance(mount.sandbox, HevySandbox)
    yield mount.sandbox
    mount.sandbox.reset()
    mount.faults.clear(forget=True)


@pytest.fixture
def fault(served: SandboxServer) -> Fault:
    def add(kind: str, path: str = "/v1/workouts", **params: Any) -> None:
        served.mounts[SLUG].faults.add({"match": {"path": path}, **params, "kind": kind})

    return add


@pytest.fixture
def credential(hevy: HevySandbox) -> Credential:
    account = AccountFactory()
    return Credential.objects.create(
        account=account,
        user=UserFactory(accounts=[account]),
        provider=SLUG,
        kind="api_key",
        secrets={"api_key": API_KEY},
    )


@pytest.fixture
def connection(credential: Credential) -> Integration:
    return connect(credential)


def work_off() -> list[Job]:
    """Run every job that waits, oldest first, until none is left that is due now or later."""
    done: list[Job] = []
    for _ in range(20):
        job = Job.objects.filter(status__in=WAITING_JOB_STATUSES).order_by("created_at", "pk").first()
        if job is None:
            return done
        Job.objects.filter(pk=job.pk).update(run_at=timezone.now())
        run_job(str(job.pk))
        job.refresh_from_db()
        done.append(job)
        if job.status in WAITING_JOB_STATUSES and job.attempts:
            return done
    return done


def poll(connection: Integration) -> SyncLog:
    """Poll and process; returns the run."""
    job = HevyWorkoutPull.dispatch(connection)
    work_off()
    return SyncLog.objects.get(job=job)


def asked(served: SandboxServer, path: str) -> list[dict[str, Any]]:
    return [one for one in served.mounts[SLUG].journal.snapshot()["entries"] if one["path"] == path]


def test_a_new_connection_reads_its_history_first(
    hevy: HevySandbox, connection: Integration, served: SandboxServer
) -> None:
    hevy.seed(workouts=23)
    work_off()
    assert Event.objects.filter(deleted_at__isnull=True).count() == 23
    assert [one["summary"]["page"] for one in asked(served, "/v1/workouts")] == ["1", "2", "3"]
    run = SyncLog.objects.get(integration=connection)
    assert (run.sync_status, run.records_created) == (SyncStatus.COMPLETED, 23)
    since = datetime.fromisoformat(SyncCursor.objects.get(stream="events").state["since"])
    assert timedelta(minutes=4) < timezone.now() - since < timedelta(minutes=7)
    connection.refresh_from_db()
    assert connection.init_status == "done"


def test_a_workout_becomes_an_event_with_exercises_and_sets(
    hevy: HevySandbox, connection: Integration
) -> None:
    hevy.put(workout(1))
    work_off()
    event = Event.objects.get()
    assert (event.domain, event.action) == ("fitness", "completed_workout")
    assert event.source_id == f"workout:{workout(1)['id']}"
    assert (event.value, event.value_multiplier, event.value_unit) == (952_500, 1000, "kg")
    assert event.time == datetime(2026, 1, 3, 17, 0, tzinfo=UTC)
    assert event.event_metadata["sets"] == 7
    assert event.event_metadata["duration_s"] == 51 * 60
    assert (event.actor.type, event.actor.title) == ("hevy_user", "sam_lifts")
    assert event.target.type == "hevy_routine"
    bench = Block.objects.get(block_type="exercise", title="exercise 0")
    assert bench.metadata["superset"] == 0
    assert bench.metadata["top_set_kg"] == "82.5"
    run_set = Block.objects.get(block_type="set", title="exercise 2 set 0")
    assert (run_set.value, run_set.value_unit) == (5000, "meters")
    assert Block.objects.filter(block_type="set").count() == 7


def test_a_second_poll_of_the_same_writes_nothing(hevy: HevySandbox, connection: Integration) -> None:
    hevy.seed(workouts=3)
    work_off()
    SyncCursor.objects.filter(stream="events").delete()
    before = list(Event.objects.order_by("pk").values("pk", "updated_at", "content_hash"))
    poll(connection)
    assert list(Event.objects.order_by("pk").values("pk", "updated_at", "content_hash")) == before


def test_an_edited_workout_replaces_its_blocks(hevy: HevySandbox, connection: Integration) -> None:
    hevy.seed(workouts=3)
    work_off()
    row = workout(2)
    later = iso(timezone.now())
    hevy.put({**row, "title": "Legs", "exercises": row["exercises"][:1], "updated_at": later})
    run = poll(connection)
    assert (run.records_updated, run.sync_status) == (1, SyncStatus.COMPLETED)
    event = Event.objects.get(source_id=f"workout:{row['id']}")
    blocks = event.blocks.filter(deleted_at__isnull=True)
    assert sorted(blocks.values_list("block_type", flat=True)) == ["exercise", *["set"] * 4]


def test_a_deleted_workout_is_marked_and_returns(hevy: HevySandbox, connection: Integration) -> None:
    hevy.seed(workouts=3)
    work_off()
    row = workout(2)
    hevy.delete(row["id"], timezone.now())
    poll(connection)
    event = Event.objects.get(source_id=f"workout:{row['id']}")
    assert event.deleted_at is not None
    assert not event.blocks.filter(deleted_at__isnull=True).exists()
    assert Event.objects.filter(deleted_at__isnull=True).count() == 2
    hevy.put({**row, "updated_at": iso(timezone.now())})
    poll(connection)
    event.refresh_from_db()
    assert event.deleted_at is None


def test_a_workout_that_was_never_seen_and_is_deleted_is_nothing(
    hevy: HevySandbox, connection: Integration
) -> None:
    work_off()
    hevy.delete("efe6801c-0000-4000-8000-000000000001", timezone.now())
    run = poll(connection)
    assert run.records_skipped == 1
    assert not Event.objects.exists()


def test_of_several_events_of_a_workout_the_newest_counts() -> None:
    old, new = ({**workout(1), "updated_at": f"2026-01-0{day}T08:00:00Z"} for day in (3, 4))
    deleted = {"type": "deleted", "id": old["id"], "deleted_at": "2026-01-05T08:00:00Z"}
    updates = [{"type": "updated", "workout": row} for row in (new, old)]
    assert jobs.newest_of_each(updates) == [updates[0]]
    assert jobs.newest_of_each([*updates, deleted]) == [deleted]


def test_older_news_than_what_is_stored_change_nothing(hevy: HevySandbox, connection: Integration) -> None:
    hevy.put({**workout(1), "title": "New", "updated_at": "2026-02-02T08:00:00Z"})
    work_off()
    before = Event.objects.values().get()
    hevy.put({**workout(1), "title": "Old", "updated_at": "2026-02-01T08:00:00Z"})
    SyncCursor.objects.filter(stream="events").delete()
    run = poll(connection)
    assert run.records_skipped == 1
    assert Event.objects.values().get() == before


def test_a_feed_whose_pages_change_is_read_again(
    hevy: HevySandbox, connection: Integration, served: SandboxServer
) -> None:
    hevy.seed(workouts=20)
    work_off()
    SyncCursor.objects.filter(stream="events").delete()
    served.mounts[SLUG].journal.clear()
    hevy._later.append((1, 30))
    poll(connection)
    pages = [one["summary"]["page"] for one in asked(served, "/v1/workouts/events")]
    assert pages == ["1", "2", "1", "2", "3"]
    assert Event.objects.count() == 21


def test_the_cursor_stands_five_minutes_before_the_first_request(
    hevy: HevySandbox, connection: Integration, served: SandboxServer
) -> None:
    work_off()
    before = timezone.now()
    poll(connection)
    since = datetime.fromisoformat(SyncCursor.objects.get(stream="events").state["since"])
    assert before - timedelta(minutes=5) <= since <= timezone.now() - timedelta(minutes=5)
    poll(connection)
    assert asked(served, "/v1/workouts/events")[-1]["summary"]["since"] == since.isoformat()


def test_a_feed_that_breaks_off_moves_no_cursor(
    hevy: HevySandbox, connection: Integration, fault: Fault
) -> None:
    hevy.seed(workouts=12)
    work_off()
    before = SyncCursor.objects.get(stream="events").state
    fault("status", path="events", status=400, times="forever")
    HevyWorkoutPull.dispatch(connection)
    work_off()
    assert SyncCursor.objects.get(stream="events").state == before


def test_one_bad_workout_is_an_issue_and_the_rest_is_taken(
    hevy: HevySandbox, connection: Integration
) -> None:
    hevy.seed(workouts=5)
    for number, change in ((2, {"start_time": "soon"}), (3, {"exercises": [{"sets": [{"reps": "many"}]}]})):
        hevy.put({**workout(number), **change})
    work_off()
    run = SyncLog.objects.get(integration=connection)
    assert (run.records_created, run.records_failed, run.sync_status) == (3, 2, SyncStatus.WARNING)
    assert set(SyncIssue.objects.values_list("field", flat=True)) == {"start_time", "reps"}


@pytest.mark.parametrize("status", [401, 403])
def test_a_refused_key_stops_and_needs_attention(
    hevy: HevySandbox, connection: Integration, fault: Fault, status: int
) -> None:
    work_off()
    fault("status", path="user/info", status=status, times="forever")
    job = HevyWorkoutPull.dispatch(connection)
    work_off()
    job.refresh_from_db()
    assert (job.status, job.error_code, job.attempts) == (JobStatus.FAILED, "unauthorized", 1)
    credential = Credential.objects.get()
    assert credential.status == CredentialStatus.NEEDS_ATTENTION


@pytest.mark.parametrize(("headers", "wait"), [({"Retry-After": "90"}, 90), ({}, 60)])
def test_a_limit_puts_the_poll_off(
    hevy: HevySandbox, connection: Integration, fault: Fault, headers: dict[str, str], wait: int
) -> None:
    work_off()
    fault("status", path="events", status=429, headers=headers)
    job = HevyWorkoutPull.dispatch(connection)
    run_job(str(job.pk))
    job.refresh_from_db()
    assert (job.status, job.attempts) == (JobStatus.QUEUED, 0)
    assert wait - 5 <= (job.run_at - timezone.now()).total_seconds() <= wait


def test_a_long_history_goes_on_in_another_start(
    hevy: HevySandbox, connection: Integration, monkeypatch: pytest.MonkeyPatch, served: SandboxServer
) -> None:
    monkeypatch.setattr(jobs, "PAGES_AT_ONCE", 2)
    hevy.seed(workouts=45)
    work_off()
    assert Event.objects.count() == 45
    pages = [one["summary"]["page"] for one in asked(served, "/v1/workouts")]
    assert pages == ["1", "2", "3", "4", "5"]
    assert Job.objects.get(name=HevyWorkoutHistory.name).attempts == 0


def test_a_history_that_is_short_is_noted(hevy: HevySandbox, connection: Integration, fault: Fault) -> None:
    hevy.seed(workouts=5)
    fault("status", path="workouts/count", status=200, body={"workout_count": 6}, times=2)
    work_off()
    issue = SyncIssue.objects.get()
    assert (issue.error_code, issue.error_message) == (
        "incomplete_list",
        "the list had 5 workouts, Hevy counts 6",
    )
    assert Event.objects.count() == 5


def test_a_workout_that_comes_while_the_history_is_read_is_not_missed(
    hevy: HevySandbox, connection: Integration
) -> None:
    hevy.seed(workouts=25)
    hevy._later.append((1, 40))
    work_off()
    assert not SyncIssue.objects.exists()
    poll(connection)
    assert Event.objects.count() == 26


def test_checking_a_key(hevy: HevySandbox, credential: Credential) -> None:
    check_credential(credential)
    hevy.key = "another"
    with pytest.raises(Unauthorized) as caught:
        check_credential(credential)
    assert "Hevy Pro" in caught.value.actionable_message
    credential.secrets = {}
    with pytest.raises(Unauthorized):
        HevyClient(credential)


def test_entering_a_key_in_the_admin_connects_it_once(hevy: HevySandbox) -> None:
    account = AccountFactory()
    person = UserFactory(accounts=[account])
    client = Client()
    client.force_login(UserFactory(groups=["sudo_admin"]))
    form = {
        "provider": SLUG,
        "account": account.pk,
        "user": person.pk,
        "label": "Sam",
        "new_secret_api_key": API_KEY,
    }
    assert client.post(reverse("admin:integrations_credential_add"), form).status_code == 302
    connection = Integration.objects.get(provider=SLUG)
    assert (connection.user, connection.instance_type) == (person, "workouts")
    page = reverse("admin:integrations_credential_change", args=[connection.credential_id])
    assert client.post(page, {"label": "Sam", "new_secret_api_key": API_KEY}).status_code == 302
    assert Integration.objects.count() == 1
    assert Job.objects.filter(name=HevyWorkoutHistory.name).count() == 1
    assert API_KEY not in client.get(page).content.decode()


def test_objects_are_kept_once(hevy: HevySandbox, connection: Integration) -> None:
    hevy.seed(workouts=12)
    work_off()
    assert EventObject.objects.filter(type="hevy_user").count() == 1
    assert EventObject.objects.filter(type="hevy_routine").count() == 3
