"""The client against a served WorkStudio: health, tries, waits, pauses."""

from __future__ import annotations

import logging
from typing import Any

import pytest
from pytest_django import Settings

from circuits.statuses import ApiStatus
from circuits.workstudio.client import WorkStudioClient, service_root
from circuits.workstudio.errors import WorkStudioProtocolError
from circuits.workstudio.login import Login, Logins
from circuits.workstudio.sandbox import PASSWORD, SERVICE_USERNAME
from integrations.http.errors import (
    Action,
    BadReply,
    ConnectionFailed,
    Forbidden,
    IntegrationError,
    NotFound,
    RateLimited,
    ServerError,
    TimedOut,
    Unauthorized,
)
from integrations.sandbox import SandboxServer
from tests.circuits.conftest import WorkStudio


def service() -> Logins:
    """The simulator's service account."""
    return Logins([Login(SERVICE_USERNAME, PASSWORD)])


def ask(times: int = 1) -> int:
    """Ask for the circuits in progress; returns how many came last."""
    with WorkStudioClient(service()) as client:
        return [len(client.circuits(ApiStatus.ACTIV)) for _ in range(times)][-1]


@pytest.mark.parametrize(
    "url",
    [
        "http://ws:83/DDOProtocol/",
        "http://ws:83/ddoprotocol",
        "http://ws:83/DDOPROTOCOL/ ",
        "http://ws:83/",
        "http://ws:83",
    ],
)
def test_the_protocol_s_path_is_taken_off_however_it_is_spelled(url: str) -> None:
    assert service_root(url) == "http://ws:83"


def test_one_call_asks_as_the_server_expects(workstudio: WorkStudio) -> None:
    workstudio.seed(20)
    assert ask() == 10
    [call] = workstudio.calls()
    assert (call["method"], call["auth"], call["status"]) == ("POST", "valid", 200)
    assert call["summary"]["filter"] == "By Job Status"
    assert call["path"].endswith("/DDOProtocol/GETVIEWDATA")


FAILURES: list[tuple[dict[str, Any], type[IntegrationError]]] = [
    ({"kind": "status", "status": 500}, ServerError),
    ({"kind": "status", "status": 503}, ServerError),
    ({"kind": "status", "status": 429}, RateLimited),
    ({"kind": "reset"}, ConnectionFailed),
    ({"kind": "reset", "at": 0.5}, ConnectionFailed),
    ({"kind": "truncated"}, ConnectionFailed),
    ({"kind": "not_json"}, BadReply),
    ({"kind": "wrong_types", "envelope": True}, BadReply),
    ({"kind": "hang"}, TimedOut),
]


@pytest.mark.parametrize(("fault", "error"), FAILURES)
def test_a_passing_failure_is_tried_five_times_with_growing_waits(
    workstudio: WorkStudio,
    sleeps: list[float],
    settings: Settings,
    fault: dict[str, Any],
    error: type[IntegrationError],
) -> None:
    settings.WORKSTUDIO_TIMEOUT = 0.1 if fault["kind"] == "hang" else 10.0
    settings.WORKSTUDIO_CALLS_BEFORE_DELAY = 100
    workstudio.seed(20)
    workstudio.fault(**fault, times="forever")
    with pytest.raises(error):
        ask()
    assert len(workstudio.calls()) == 5
    assert sleeps == [1, 2, 4, 8]


@pytest.mark.parametrize("fault", [fault for fault, _ in FAILURES[:6]])
def test_the_fifth_try_may_succeed(workstudio: WorkStudio, fault: dict[str, Any]) -> None:
    workstudio.seed(20)
    workstudio.fault(**fault, times=4)
    assert ask() == 10


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ({"kind": "status", "status": 401}, Unauthorized),
        ({"kind": "status", "status": 403}, Forbidden),
        ({"kind": "status", "status": 404}, NotFound),
        ({"kind": "error_200"}, WorkStudioProtocolError),
        ({"kind": "status", "status": 200, "body": {"Protocol": "OK"}}, WorkStudioProtocolError),
    ],
)
def test_what_will_not_pass_is_tried_once(
    workstudio: WorkStudio, sleeps: list[float], fault: dict[str, Any], error: type[IntegrationError]
) -> None:
    workstudio.fault(**fault, times="forever")
    with pytest.raises(error):
        ask()
    assert len(workstudio.calls()) == 1
    assert sleeps == []


def test_a_short_retry_after_is_waited_for(workstudio: WorkStudio, sleeps: list[float]) -> None:
    workstudio.seed(20)
    workstudio.fault("status", status=429, headers={"Retry-After": "7"})
    assert ask() == 10
    assert sleeps == [7]


def test_a_long_retry_after_is_handed_on(workstudio: WorkStudio, sleeps: list[float]) -> None:
    workstudio.fault("status", status=429, headers={"Retry-After": "120"})
    with pytest.raises(RateLimited) as error:
        ask()
    assert (error.value.action, error.value.retry_after) == (Action.POSTPONE, 120)
    assert sleeps == []


def test_every_five_calls_it_pauses(workstudio: WorkStudio, sleeps: list[float]) -> None:
    ask(times=5)
    assert sleeps == []
    ask(times=6)
    assert sleeps == [0.5]
    ask(times=11)
    assert sleeps == [0.5, 0.5, 0.5]


def test_tries_count_as_calls(workstudio: WorkStudio, sleeps: list[float]) -> None:
    workstudio.fault("status", status=500, times=3)
    ask(times=3)
    assert sleeps == [1, 2, 4, 0.5]


@pytest.mark.parametrize("status", [200, 401, 403, 404])
def test_a_server_that_answers_is_healthy(workstudio: WorkStudio, status: int) -> None:
    workstudio.fault("status", status=status, match={})
    with WorkStudioClient(service()) as client:
        assert client.health_check()


@pytest.mark.parametrize("fault", [{"kind": "status", "status": 502}, {"kind": "reset"}, {"kind": "hang"}])
def test_a_server_that_breaks_or_is_silent_is_not_and_is_asked_once(
    workstudio: WorkStudio,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    fault: dict[str, Any],
) -> None:
    monkeypatch.setattr("circuits.workstudio.client.HEALTH_TIMEOUT_SECONDS", 0.2)
    workstudio.fault(**fault, match={}, times="forever")
    with caplog.at_level(logging.WARNING), WorkStudioClient(service()) as client:
        assert not client.health_check()
    assert "WorkStudio is not healthy" in caplog.text
    assert workstudio.server.mounts["workstudio"].journal.counts()["requests"] == 1


def test_a_server_that_is_down_is_not_healthy(settings: Settings, sleeps: list[float]) -> None:
    with SandboxServer([]) as server:
        settings.WORKSTUDIO_API_URL = server.url
    with WorkStudioClient(Logins([Login("A\\b", "password")])) as client:
        assert not client.health_check()
    assert sleeps == []


@pytest.mark.parametrize(
    ("fault", "healthy"),
    [
        (None, True),
        ({"kind": "status", "status": 401}, True),
        ({"kind": "error_200"}, False),
        ({"kind": "status", "status": 200, "body": {"Protocol": "BUSY"}}, False),
        ({"kind": "status", "status": 500}, False),
    ],
)
def test_the_heartbeat_must_be_answered_with_ok_and_a_refused_login_is_found_later(
    workstudio: WorkStudio, settings: Settings, fault: dict[str, Any] | None, healthy: bool
) -> None:
    settings.WORKSTUDIO_HEALTH_CHECK = "heartbeat"
    if fault:
        workstudio.fault(**fault, match={"path": "HEARTBEAT"})
    with WorkStudioClient(service()) as client:
        assert client.health_check() is healthy


def test_a_login_does_not_show_its_password() -> None:
    assert "secret" not in repr(Login("A\\b", "secret"))
