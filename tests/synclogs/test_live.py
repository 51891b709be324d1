"""Readers of live events: each event once, in order, whoever commits late and whoever was cut off."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import User
from synclogs import live
from synclogs.live import LiveReader, Position
from synclogs.models import LiveEvent
from tests.factories import AccountFactory, MembershipFactory, UserFactory

pytestmark = pytest.mark.django_db

CHANNELS = ("dashboard",)


@pytest.fixture
def boss(db: None) -> User:
    return UserFactory.create(is_superuser=True)


def say(number: int, pk: int | None = None, channel: str = "dashboard", **options: object) -> LiveEvent:
    return LiveEvent.objects.create(pk=pk, channel=channel, kind="x", payload={"n": number}, **options)


def numbers(reader: LiveReader) -> list[int]:
    return [message["payload"]["n"] for message in reader.read()]


def test_a_new_reader_begins_now(boss: User) -> None:
    say(1)
    reader = LiveReader(boss, CHANNELS)
    assert numbers(reader) == []
    say(2)
    say(3)
    assert numbers(reader) == [2, 3]
    assert numbers(reader) == []


def test_it_hears_only_its_channels(boss: User) -> None:
    reader = LiveReader(boss, ("dashboard", "circuit.7"))
    say(1, channel="sync-status")
    say(2, channel="circuit.7")
    say(3, channel="circuit.8")
    say(4)
    assert numbers(reader) == [2, 4]


def test_it_goes_on_after_a_position(boss: User) -> None:
    first, second = say(1), say(2)
    assert numbers(LiveReader(boss, CHANNELS, Position(first.pk))) == [2]
    assert numbers(LiveReader(boss, CHANNELS, Position(second.pk))) == []
    assert numbers(LiveReader(boss, CHANNELS, Position(0))) == [1, 2]


def test_a_position_from_the_future_waits(boss: User) -> None:
    reader = LiveReader(boss, CHANNELS, Position(10_000_000))
    say(1)
    assert numbers(reader) == []


def test_a_lower_id_that_appears_later_is_not_lost(boss: User) -> None:
    base = say(0).pk
    reader = LiveReader(boss, CHANNELS)
    say(3, base + 3)
    assert numbers(reader) == [3]
    say(1, base + 1)
    assert numbers(reader) == [1]
    say(2, base + 2)
    say(4, base + 4)
    assert numbers(reader) == [2, 4]
    assert numbers(reader) == []


def test_whoever_resumes_hears_the_late_ones_and_nothing_twice(boss: User) -> None:
    base = say(0).pk
    reader = LiveReader(boss, CHANNELS)
    say(3, base + 3)
    (heard,) = reader.read()
    assert heard["position"] == f"{base + 3}~{base + 1},{base + 2}"
    say(2, base + 2)
    say(4, base + 4)
    successor = LiveReader(boss, CHANNELS, Position.parse(heard["position"]))
    assert [message["position"] for message in successor.read()] == [
        f"{base + 3}~{base + 1}",
        f"{base + 4}~{base + 1}",
    ]


@pytest.mark.parametrize("cut", range(6))
def test_being_cut_off_after_any_event_loses_and_doubles_nothing(boss: User, cut: int) -> None:
    base = say(0).pk
    order = [3, 1, 5, 2, 6, 4]
    reader = LiveReader(boss, CHANNELS)
    heard: list[int] = []
    for index, number in enumerate(order):
        say(number, base + number)
        if index % 2:
            for message in reader.read():
                heard.append(message["payload"]["n"])
                position = message["position"]
                if len(heard) == cut + 1:
                    break
            else:
                continue
            reader = LiveReader(boss, CHANNELS, Position.parse(position))
    heard += numbers(reader)
    assert sorted(heard) == [1, 2, 3, 4, 5, 6]


def test_ids_of_other_channels_are_not_waited_for(boss: User) -> None:
    say(0)
    reader = LiveReader(boss, CHANNELS)
    say(1, channel="sync-status")
    say(2)
    (message,) = reader.read()
    assert message["position"] == str(message["id"])


def test_ids_that_never_come_are_given_up(boss: User, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [100.0]
    monkeypatch.setattr("synclogs.live.time.monotonic", lambda: clock[0])
    base = say(0).pk
    reader = LiveReader(boss, CHANNELS)
    say(2, base + 2)
    reader.read()
    assert list(reader.position.missing) == [base + 1]
    clock[0] += live.patience() + 0.1
    reader.read()
    assert list(reader.position.missing) == []


def test_patience_outlasts_the_longest_write_transaction(settings: object) -> None:
    settings.JOB_LEASE_SECONDS = 60.0  # type: ignore[attr-defined]
    assert live.patience() > 60 / 4


def test_a_jump_of_ids_is_bounded(boss: User) -> None:
    base = say(0).pk
    reader = LiveReader(boss, CHANNELS)
    say(1, base + 1_000_000)
    assert numbers(reader) == [1]
    assert len(reader.position.missing) == live.MAX_MISSING


def test_now_knows_what_was_begun_before(boss: User) -> None:
    base = say(0).pk
    say(2, base + 2)
    now = Position.now()
    assert now == Position(base + 2, (base + 1,))
    say(1, base + 1)
    assert numbers(LiveReader(boss, CHANNELS, now)) == [1]


def test_now_does_not_mistake_what_was_pruned_for_what_is_late() -> None:
    old = say(0)
    last = say(1, old.pk + 50)
    LiveEvent.objects.update(created_at=timezone.now() - timedelta(hours=1))
    assert Position.now() == Position(last.pk)
    LiveEvent.objects.all().delete()
    assert Position.now() == Position(0)


def test_many_events_come_in_portions(boss: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "MAX_EVENTS", 4)
    reader = LiveReader(boss, CHANNELS)
    for number in range(10):
        say(number)
    assert [numbers(reader) for _ in range(4)] == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9], []]


def test_accounts_are_kept_apart() -> None:
    mine, other = AccountFactory.create(), AccountFactory.create()
    member = UserFactory.create(groups=["viewer"])
    MembershipFactory.create(user=member, account=mine)
    reader = LiveReader(member, CHANNELS)
    say(1, account=mine)
    say(2, account=other)
    say(3)
    assert numbers(reader) == [1, 3]


def test_sudo_admins_hear_every_account() -> None:
    reader = LiveReader(UserFactory.create(groups=["sudo_admin"]), CHANNELS)
    say(1, account=AccountFactory.create())
    assert numbers(reader) == [1]


@pytest.mark.parametrize(("role", "text"), [("viewer", "refused"), ("planner", "")])
def test_errors_are_for_those_who_may_look_at_runs(role: str, text: str) -> None:
    reader = LiveReader(UserFactory.create(groups=[role]), CHANNELS)
    LiveEvent.objects.create(
        channel="dashboard", kind="x", payload={"status": "failed", "error_message": "refused"}
    )
    (message,) = reader.read()
    assert message["payload"] == {"status": "failed", "error_message": text}


def test_a_round_without_news_is_one_query(boss: User) -> None:
    for number in range(50):
        say(number)
    reader = LiveReader(boss, CHANNELS)
    with CaptureQueriesContext(
        connection,
    ) as queries:
        reader.read()
    assert len(queries) == 1
    say(51)
    with CaptureQueriesContext(connection) as queries:
        reader.read()
    assert len(queries) == 2


@pytest.mark.parametrize(
    "text",
    [
        "",
        "x",
        "-1",
        "1.5",
        "1~",
        "1~2",
        "5~5",
        "5~1,",
        "٣",
        "9" * 20,
        str(2**63),
        "5~" + "1," * 200 + "1",
        "1\n",
    ],
)
def test_what_is_no_position_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="no position"):
        Position.parse(text)


@pytest.mark.parametrize("text", ["0", "12", "12~3", "12~3,7", str(2**63 - 1)])
def test_positions_are_read_as_they_are_written(text: str) -> None:
    assert str(Position.parse(text)) == text


@pytest.mark.django_db(transaction=True)
@pytest.mark.skipif(connection.vendor == "sqlite", reason="SQLite has one writer: ids appear in order")
def test_a_transaction_that_commits_late_is_heard_by_reader_and_successor(boss: User) -> None:
    begun, go_on = threading.Event(), threading.Event()

    def slow() -> None:
        with transaction.atomic():
            say(1)
            begun.set()
            assert go_on.wait(10)
        connection.close()

    def told(which: LiveReader) -> list[tuple[int, str]]:
        return [(message["payload"]["n"], message["position"]) for message in which.read()]

    say(0)
    reader = LiveReader(boss, CHANNELS)
    thread = threading.Thread(target=slow)
    thread.start()
    assert begun.wait(10)
    say(2)
    ((number, position),) = told(reader)
    page = Position.now()
    go_on.set()
    thread.join()
    assert number == 2
    assert [number for number, _ in told(reader)] == [1]
    assert [number for number, _ in told(LiveReader(boss, CHANNELS, Position.parse(position)))] == [1]
    assert [number for number, _ in told(LiveReader(boss, CHANNELS, page))] == [1]
