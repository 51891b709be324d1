"""Connections, payloads, events and objects in the admin: who sees them, and what operators can do."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from accounts.models import User
from integrations.models import Event, EventObject, Integration, RawPayload
from synclogs.models import Job, SyncLog
from tests.diary.sandbox import DiarySandbox, entry
from tests.factories import AccountFactory, UserFactory
from tests.integrations.jobs.staged.conftest import fetched, run_waiting

pytestmark = pytest.mark.django_db

LISTS = ("event", "eventobject", "rawpayload")


@pytest.fixture
def filled(diary: Integration, vendor: DiarySandbox) -> Integration:
    """A connection with some events, one of them changed, one deleted."""
    vendor.seed(entries=6)
    fetched(diary)
    vendor.hold(entry(7, score=3), entry(1, score=12.5), entry(2, deleted=True))
    fetched(diary, since="2020-01-01T00:00:00Z")
    return diary


def client_of(user: User) -> Client:
    """A window of somebody who has signed in."""
    client = Client()
    client.force_login(user)
    return client


def listed(client: Client, name: str) -> str:
    """The list's page."""
    response = client.get(reverse(f"admin:integrations_{name}_changelist"))
    assert response.status_code == 200
    return response.content.decode()


def page(client: Client, row: Any) -> str:
    """The row's page."""
    name = row._meta.model_name
    response = client.get(reverse(f"admin:integrations_{name}_change", args=[row.pk]))
    assert response.status_code == 200
    return response.content.decode()


def test_an_event_shows_its_objects_blocks_and_what_it_was(filled: Integration, admin_client: Client) -> None:
    text = listed(admin_client, "event")
    assert "Diary was at Place 1" in text
    assert "12.50 points" in text
    assert "deleted" in text
    shown = page(admin_client, Event.objects.get(source_id="diary_1"))
    assert "12.50 points" in shown
    assert "Was before" in shown
    assert "1 points" in shown
    assert shown.count("op-cards") == 1
    for word in ("one", "two", "Place 1", "diary_1"):
        assert word in shown


def test_an_object_shows_its_timeline(filled: Integration, admin_client: Client) -> None:
    place = EventObject.objects.get(external_id="place-1")
    shown = page(admin_client, place)
    events = Event.objects.filter(target=place, deleted_at=None)
    assert events.count() == 2
    for event in events:
        assert reverse("admin:integrations_event_change", args=[event.pk]) in shown


@pytest.mark.parametrize("name", LISTS)
def test_a_list_asks_as_many_queries_for_many_rows_as_for_few(
    diary: Integration,
    vendor: DiarySandbox,
    admin_client: Client,
    django_assert_max_num_queries: DjangoAssertNumQueries,
    name: str,
) -> None:
    def queries() -> int:
        with django_assert_max_num_queries(40) as captured:
            listed(admin_client, name)
        return len(captured)

    vendor.hold(entry(1))
    fetched(diary)
    few = queries()
    vendor.seed(entries=40)
    fetched(diary)
    assert queries() <= few + 1


def test_the_owner_sees_their_own_and_nobody_else_does(filled: Integration, owner: User) -> None:
    rights = ["integrations.view_event", "integrations.view_eventobject"]
    stranger = UserFactory(accounts=[filled.account], permissions=rights)
    operator = UserFactory(
        accounts=[filled.account], permissions=[*rights, "integrations.change_integration"]
    )
    elsewhere = UserFactory(
        accounts=[AccountFactory()], permissions=[*rights, "integrations.change_integration"]
    )
    owner = User.objects.get(pk=owner.pk)
    for model in (Event, EventObject):
        everything = model.objects.count()
        for user, seen in ((owner, everything), (operator, everything), (stranger, 0), (elsewhere, 0)):
            assert model.objects.visible_to(user).count() == seen
    event = Event.objects.first()
    assert event is not None
    address = reverse("admin:integrations_event_change", args=[event.pk])
    assert client_of(stranger).get(address).status_code == 302
    assert client_of(operator).get(address).status_code == 200


def test_a_payload_is_processed_again(filled: Integration, admin_client: Client) -> None:
    payload = RawPayload.objects.earliest("received_at")
    shown = page(admin_client, payload)
    assert "processed" in shown
    assert "Place 1" in shown
    before = list(Event.objects.order_by("pk").values())
    response = admin_client.post(reverse("admin:integrations_rawpayload_replay", args=[payload.pk]))
    job = Job.objects.latest("created_at")
    assert response.headers["Location"] == reverse("admin:synclogs_job_change", args=[job.pk])
    assert run_waiting() == ["succeed"]
    assert list(Event.objects.order_by("pk").values()) == before
    assert SyncLog.objects.latest("started_at").sync_trigger == "manual"
    assert LogEntry.objects.get().get_change_message() == "Processed again."


def test_selected_payloads_are_processed_again_in_one_run(filled: Integration, admin_client: Client) -> None:
    data = {
        "action": "replay_selected",
        "_selected_action": list(RawPayload.objects.values_list("pk", flat=True)),
    }
    admin_client.post(reverse("admin:integrations_rawpayload_changelist"), data)
    assert SyncLog.objects.latest("started_at").jobs_total == 2


def test_nothing_secret_is_on_a_payloads_page(
    diary: Integration, vendor: DiarySandbox, admin_client: Client
) -> None:
    vendor.hold(entry(1, access_token="planted-token-1"))
    fetched(diary)
    assert "planted-token-1" not in page(admin_client, RawPayload.objects.get())


def operate(client: Client, diary: Integration, name: str, **data: str) -> Any:
    """Press a button on a connection's page."""
    return client.post(reverse(f"admin:integrations_integration_{name}", args=[diary.pk]), data, follow=True)


def test_a_connection_is_polled_now_and_again_from_a_day(diary: Integration, admin_client: Client) -> None:
    shown = page(admin_client, diary)
    for word in ("Poll now", "Pause", "Read again", "every 15 min"):
        assert word in shown
    operate(admin_client, diary, "fetch")
    assert Job.objects.get().args["trigger"] == "manual"
    assert Job.objects.get().queue == "high-priority"
    operate(admin_client, diary, "fetch_since", since="2026-03-01")
    assert Job.objects.latest("created_at").args["since"] == "2026-03-01T00:00:00+00:00"
    assert "choose a day" in operate(admin_client, diary, "fetch_since", since="soon").content.decode()
    assert LogEntry.objects.count() == 2


def test_a_connection_is_paused_and_resumed(diary: Integration, admin_client: Client) -> None:
    Integration.objects.update(next_attempt_at=timezone.now())
    operate(admin_client, diary, "pause")
    diary.refresh_from_db()
    assert diary.paused
    assert "is not polled: it is paused" in operate(admin_client, diary, "fetch").content.decode()
    operate(admin_client, diary, "resume")
    diary.refresh_from_db()
    assert (diary.paused, diary.next_attempt_at) == (False, None)


def test_those_who_may_only_look_see_no_button(diary: Integration) -> None:
    viewer = UserFactory(accounts=[diary.account], permissions=["integrations.view_integration"])
    client = client_of(viewer)
    assert "Poll now" not in page(client, diary)
    for name in ("fetch", "pause", "resume", "initialize", "fetch_since"):
        assert operate(client, diary, name).status_code == 403
    assert not Job.objects.exists()


def test_a_button_is_a_post(diary: Integration, admin_client: Client) -> None:
    address = reverse("admin:integrations_integration_pause", args=[diary.pk])
    assert admin_client.get(address).status_code == 405
