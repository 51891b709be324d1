"""The simulated phone delivers over real HTTP to the site, with all that goes wrong."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import requests
from pytest_django.live_server_helper import LiveServer

from accounts.models import Account, User
from integrations.models import DeliveryStatus, Event, WebhookDelivery
from integrations.providers.apple_health.sandbox import AppleHealthSandbox
from integrations.sandbox import SandboxServer
from synclogs.models import SyncIssue
from tests.factories import UserFactory
from tests.integrations.providers.apple_health.conftest import Phone, run_waiting


@pytest.fixture(scope="module")
def served() -> Iterator[SandboxServer]:
    """A sandbox with a phone."""
    with SandboxServer([AppleHealthSandbox()]) as server:
        yield server


@pytest.fixture
def control(served: SandboxServer) -> Any:
    """Makes control calls of a phone that has recorded three days."""

    def call(name: str, **options: Any) -> Any:
        return requests.post(f"{served.url_for('apple_health')}/_sim/{name}", json=options, timeout=60)

    call("seed", days=3)
    return call


@pytest.fixture
def phone(transactional_db: None) -> Phone:
    """Both kinds of data."""
    owner: User = UserFactory()
    return Phone(Account.objects.platform(), owner, "metrics", "workouts")


def sent(control: Any, live_server: LiveServer, phone: Phone, **options: Any) -> list[tuple[int, str]]:
    """Let the phone send; the status and the fate of each post."""
    url = f"{live_server.url}/webhooks/apple_health/{phone.key}/"
    answers = control("send", url=url, **options).json()["answers"]
    run_waiting()
    return [(each["status"], each["body"]) for each in answers]


def test_a_phone_delivers_over_the_clock_change(control: Any, live_server: LiveServer, phone: Phone) -> None:
    holds = control("seed", days=3).json()
    assert sent(control, live_server, phone, batches=2)[0][0] == 200
    assert Event.objects.filter(action="measurement").count() == holds["points"]
    assert SyncIssue.objects.count() == holds["refused_points"]
    sent(control, live_server, phone, kind="workouts")
    assert Event.objects.filter(action="completed_workout").count() == holds["workouts"]


def test_a_week_that_is_sent_again_only_changes_what_was_corrected(
    control: Any, live_server: LiveServer, phone: Phone
) -> None:
    sent(control, live_server, phone)
    before = Event.objects.count()
    assert control("touch", points=5).json() == {"touched": 5}
    sent(control, live_server, phone)
    assert Event.objects.count() == before
    assert Event.objects.filter(event_metadata__has_key="previous_value").count() == 5


def test_the_same_post_twice_is_one_delivery(control: Any, live_server: LiveServer, phone: Phone) -> None:
    first, second = sent(control, live_server, phone, kind="workouts", times=2)
    assert '"accepted"' in first[1]
    assert '"duplicate"' in second[1]
    assert WebhookDelivery.objects.get().duplicates == 1


def test_batches_may_share_their_session_id(control: Any, live_server: LiveServer, phone: Phone) -> None:
    answers = sent(control, live_server, phone, batches=4)
    assert [status for status, _ in answers] == [200] * 3
    assert WebhookDelivery.objects.count() == 3


def test_twenty_megabytes_are_taken(control: Any, live_server: LiveServer, phone: Phone) -> None:
    assert sent(control, live_server, phone, kind="workouts", megabytes=20)[0][0] == 200
    assert WebhookDelivery.objects.get().body_size == 20 << 20


def test_gzip_is_taken(control: Any, live_server: LiveServer, phone: Phone) -> None:
    assert sent(control, live_server, phone, kind="workouts", gzipped=True)[0][0] == 200
    assert Event.objects.count() == 3


def test_wrong_secrets_are_refused_and_counted(control: Any, live_server: LiveServer, phone: Phone) -> None:
    phone.credential.replace_secrets({"header_key": "typed-into-the-app"})
    assert sent(control, live_server, phone, header_key="wrong-key")[0][0] == 401
    assert sent(control, live_server, phone, header_key="typed-into-the-app")[0][0] == 200
    phone.key = "x" * 43
    assert sent(control, live_server, phone)[0][0] == 404
    refused = WebhookDelivery.objects.filter(status=DeliveryStatus.REJECTED)
    assert sorted(refused.values_list("error", flat=True)) == ["unknown_key", "wrong_header_secret"]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"url": "https://example.com/"}, "this machine only"),
        ({"kind": "ecg"}, "metrics or workouts"),
        ({"batches": 0}, "from 1 to 100"),
        ({"speed": 9}, "Unknown options: speed"),
    ],
)
def test_what_a_phone_does_not_do_is_refused(control: Any, options: dict[str, Any], words: str) -> None:
    answer = control("send", **options)
    assert answer.status_code == 400
    assert words in answer.json()["error"]


def test_the_same_seed_gives_the_same_records(control: Any) -> None:
    first = control("export", kind="metrics").json()["bodies"]
    control("seed", days=3)
    assert control("export", kind="metrics").json()["bodies"] == first
    control("seed", days=3, seed=8)
    assert control("export", kind="metrics").json()["bodies"] != first
