"""The stream of live events over real HTTP: rights, resuming, and that listeners cost and leak nothing."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import psutil
import pytest
import requests
from django.db import connection

from accounts.models import Account, User
from synclogs.counts import Counts
from synclogs.models import LiveEvent, SyncLog
from tests.factories import AccountFactory, CircuitFactory, MembershipFactory, UserFactory
from tests.operations.served import Listener, Served, serve, wait_until

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(scope="module")
def server(django_db_setup: None, django_db_blocker: Any) -> Iterator[Served]:
    with django_db_blocker.unblock(), serve() as served:
        connection.close()
        yield served


@pytest.fixture
def boss() -> User:
    return UserFactory.create(is_superuser=True)


def say(*numbers: int, channel: str = "dashboard", **options: Any) -> None:
    for number in numbers:
        LiveEvent.objects.publish([channel], "sync.progress", {"n": number}, **options)


def numbers(heard: list[dict[str, Any]]) -> list[int]:
    return [event["payload"]["n"] for event in heard]


def test_events_of_a_run_arrive_in_the_form_of_server_sent_events(server: Served, boss: User) -> None:
    listener = Listener(server, boss)
    headers = listener.response.headers
    assert headers["Content-Type"] == "text/event-stream"
    assert headers["Cache-Control"] == "no-store"
    run = SyncLog.start("circuit_list", account=Account.objects.platform())
    run.add_batch(Counts(created=7))
    run.complete()
    heard = listener.hear(3)
    listener.close()
    assert [event["event"] for event in heard] == ["sync.started", "sync.progress", "sync.completed"]
    assert [event["payload"]["processed"] for event in heard] == [0, 7, 7]
    assert {event["payload"]["run"] for event in heard} == {str(run.pk)}
    assert all(event["position"].partition("~")[0] == str(event["id"]) for event in heard)


def test_whoever_comes_back_hears_the_rest_and_nothing_twice(server: Served, boss: User) -> None:
    say(0)
    listener = Listener(server, boss)
    say(1, 2, 3)
    heard = numbers(listener.hear(3))
    listener.close()
    say(4, 5)
    for more in ((6, 7), (8,)):
        listener = Listener(server, boss, last_id=listener.last_id)
        say(*more)
        heard += numbers(listener.hear(len(more) + (2 if 6 in more else 0)))
        assert listener.is_silent()
        listener.close()
    assert heard == [1, 2, 3, 4, 5, 6, 7, 8]


def test_whoever_was_cut_off_before_the_first_event_hears_it(server: Served, boss: User) -> None:
    listener = Listener(server, boss)
    listener.close()
    say(1)
    again = Listener(server, boss, last_id=listener.last_id)
    assert numbers(again.hear(1)) == [1]
    again.close()


def test_an_id_that_appears_late_is_heard_after_reconnecting(server: Served, boss: User) -> None:
    say(0)
    base = LiveEvent.objects.latest("pk").pk
    listener = Listener(server, boss)
    LiveEvent.objects.create(pk=base + 2, channel="dashboard", kind="sync.progress", payload={"n": 2})
    assert numbers(listener.hear(1)) == [2]
    listener.close()
    LiveEvent.objects.create(pk=base + 1, channel="dashboard", kind="sync.progress", payload={"n": 1})
    again = Listener(server, boss, last_id=listener.last_id)
    assert numbers(again.hear(1)) == [1]
    assert again.is_silent()
    again.close()


def test_the_accounts_of_others_are_not_heard(server: Served) -> None:
    mine, other = AccountFactory.create(), AccountFactory.create()
    viewer = UserFactory.create(groups=["viewer"])
    MembershipFactory.create(user=viewer, account=mine)
    listener = Listener(server, viewer)
    say(1, account_id=other.pk)
    say(2, account_id=mine.pk)
    assert numbers(listener.hear(1)) == [2]
    listener.close()


@pytest.mark.parametrize("given", ["x", "-1", "1.5", "12~", "12~13", "9" * 25])
def test_a_wrong_id_is_a_bad_request(server: Served, boss: User, given: str) -> None:
    assert server.get("/live/events/", boss, headers={"Last-Event-ID": given}).status_code == 400
    assert server.get("/live/events/", boss, params={"after": given}).status_code == 400


def test_too_many_or_too_long_channels_are_a_bad_request(server: Served, boss: User) -> None:
    for channels in ([f"circuit.{number}" for number in range(1, 22)], ["x" * 101]):
        assert server.get("/live/events/", boss, params={"channel": channels}).status_code == 400


@pytest.mark.parametrize(
    ("role", "channel", "status"),
    [
        ("viewer", "sync-status", 403),
        ("planner", "sync-status", 403),
        ("admin", "sync-status", 200),
        ("planner", "dashboard", 200),
        ("planner", "circuit.{pk}", 403),
        ("viewer", "nothing", 403),
        (None, "dashboard", 403),
    ],
)
def test_rights_are_checked(server: Served, role: str | None, channel: str, status: int) -> None:
    user = UserFactory.create(groups=[role]) if role else None
    name = channel.format(pk=CircuitFactory.create().pk)
    response = server.get("/live/events/", user, params={"channel": ["dashboard", name]}, stream=True)
    assert response.status_code == status
    response.close()


def test_other_methods_are_refused(server: Served) -> None:
    assert requests.head(f"{server.url}/live/events/", timeout=5).status_code == 405


def database_connections(served: Served) -> int:
    """How many connections the server holds to the database; SQLite closes files late."""
    process = psutil.Process(served.process.pid)
    if connection.vendor == "sqlite":
        name = str(connection.settings_dict["NAME"])
        return sum(file.path == name for file in process.open_files())
    port = int(connection.settings_dict["PORT"])
    return sum(
        peer.raddr and peer.raddr.port == port
        for peer in process.net_connections()
        if peer.status == "ESTABLISHED"
    )


def test_many_listeners_share_two_connections_and_leave_nothing_behind(server: Served, boss: User) -> None:
    process = psutil.Process(server.process.pid)
    Listener(server, boss).close()
    wait_until(lambda: process.num_threads() < 12)
    before = process.num_threads()
    listeners = [Listener(server, boss) for _ in range(12)]
    say(1)
    for listener in listeners:
        assert numbers(listener.hear(1)) == [1]
    assert database_connections(server) <= (4 if connection.vendor == "sqlite" else 2)
    for listener in listeners:
        listener.close()
    wait_until(lambda: process.num_threads() <= before + 1, 15)
    wait_until(lambda: open_streams(process) == 0, 15)


def open_streams(process: psutil.Process) -> int:
    """Client connections that the server still has."""
    return sum(
        peer.status in ("ESTABLISHED", "CLOSE_WAIT")
        and peer.laddr.port != peer.raddr.port
        and not _is_database(peer)
        for peer in process.net_connections()
        if peer.raddr
    )


def _is_database(peer: Any) -> bool:
    return connection.vendor != "sqlite" and peer.raddr.port == int(connection.settings_dict["PORT"])
