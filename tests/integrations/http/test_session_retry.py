"""Retries over real connections: what is sent again, how often, after which waits."""

from collections.abc import Callable
from email.utils import formatdate

import pytest

from integrations.http.errors import (
    Action,
    BadReply,
    ConnectionFailed,
    IntegrationError,
    RateLimited,
    ServerError,
    Unauthorized,
)
from integrations.http.response import ApiResponse, json_body
from integrations.http.retry import RetryOn, RetryPolicy
from integrations.http.session import ApiSession
from tests.integrations.http.server import (
    ScriptedServer,
    hang_up,
    head,
    never_answer,
    reply,
    reset,
    truncated,
)

Open = Callable[..., ApiSession]
NOW = 1_800_000_000.0
POLICY = RetryPolicy(
    attempts=5,
    jitter=0,
    retry_statuses=frozenset({429, 500, 502, 503, 504}),
    retry_exceptions=RetryOn.CONNECTION | RetryOn.TIMEOUT | RetryOn.BAD_REPLY,
)


@pytest.fixture
def waits() -> list[float]:
    return []


@pytest.fixture
def session(server: ScriptedServer, open_session: Open, waits: list[float]) -> ApiSession:
    return open_session(server.url, retry=POLICY, sleep=waits.append, clock=lambda: NOW)


def test_a_call_recovers_from_every_kind_of_passing_failure(
    server: ScriptedServer, session: ApiSession, waits: list[float]
) -> None:
    server.script(reset, reply(503), truncated(b"[1"), reply(body=b"<html>"), reply(body=b"[1]"))
    seen: list[int] = []

    def parse(response):
        seen.append(response.attempts)
        return json_body(response)

    assert session.request("GET", parse=parse) == [1]
    assert waits == [1.0, 2.0, 4.0, 8.0]
    assert seen == [4, 5]


def test_a_vendor_that_stays_down_costs_five_attempts_and_fifteen_seconds(
    server: ScriptedServer, session: ApiSession, waits: list[float]
) -> None:
    server.script(*[reply(500)] * 6)
    with pytest.raises(ServerError):
        session.request("GET")
    assert (len(server.received), sum(waits)) == (5, 15.0)


def test_a_refused_credential_is_tried_once(
    server: ScriptedServer, session: ApiSession, waits: list[float]
) -> None:
    server.script(reply(401))
    with pytest.raises(Unauthorized):
        session.request("GET")
    assert (len(server.received), waits) == (1, [])


def test_a_post_is_sent_once(server: ScriptedServer, session: ApiSession) -> None:
    server.script(hang_up)
    with pytest.raises(ConnectionFailed):
        session.request("POST", json={})
    assert len(server.received) == 1


def test_a_post_that_is_a_read_is_sent_again_with_its_body(
    server: ScriptedServer, session: ApiSession
) -> None:
    server.script(hang_up, reply(body=b"ok"))
    assert session.request("POST", json={"view": 1}, idempotent=True).attempts == 2
    assert [received.body for received in server.received] == [b'{"view": 1}'] * 2


def test_a_get_with_effects_is_sent_once_when_told(server: ScriptedServer, session: ApiSession) -> None:
    server.script(reply(503))
    with pytest.raises(ServerError):
        session.request("GET", idempotent=False)
    assert len(server.received) == 1


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize("value", ["7", formatdate(NOW + 7, usegmt=True)], ids=["delta seconds", "HTTP date"])
def test_a_short_retry_after_is_waited_in_place(
    server: ScriptedServer, session: ApiSession, waits: list[float], status: int, value: str
) -> None:
    server.script(reply(status, headers={"Retry-After": value}))
    assert session.request("GET").attempts == 2
    assert waits == [7.0]


@pytest.mark.parametrize(
    "value", ["70", formatdate(NOW + 70, usegmt=True)], ids=["delta seconds", "HTTP date"]
)
def test_a_long_retry_after_postpones_instead_of_waiting(
    server: ScriptedServer, session: ApiSession, waits: list[float], value: str
) -> None:
    server.script(reply(429, headers={"Retry-After": value}), reply(503, headers={"Retry-After": value}))
    with pytest.raises(RateLimited) as limited:
        session.request("GET")
    with pytest.raises(ServerError) as down:
        session.request("GET")
    for caught in (limited.value, down.value):
        assert (caught.action, caught.retry_after) == (Action.POSTPONE, 70.0)
    assert waits == []


@pytest.mark.parametrize("value", ["-1", "soon", "", "Fri, 99 Foo 2027"])
def test_a_retry_after_without_sense_falls_back_to_the_policy(
    server: ScriptedServer, session: ApiSession, waits: list[float], value: str
) -> None:
    server.script(reply(429, headers={"Retry-After": value}))
    assert session.request("GET").attempts == 2
    assert waits == [1.0]


def test_an_absurd_retry_after_postpones_by_the_policys_limit(
    server: ScriptedServer, session: ApiSession
) -> None:
    server.script(*[reply(429, headers={"Retry-After": "9" * 40})] * 2)
    with pytest.raises(RateLimited) as caught:
        session.request("GET")
    assert caught.value.retry_after == 3600.0
    with pytest.raises(RateLimited) as caught:
        session.request("GET", retry=RetryPolicy(max_retry_after=7200.0))
    assert caught.value.retry_after == 7200.0


def test_a_call_may_have_a_policy_of_its_own(server: ScriptedServer, session: ApiSession) -> None:
    server.script(reply(503))
    with pytest.raises(ServerError):
        session.request("GET", retry=RetryPolicy(attempts=1))
    assert len(server.received) == 1


def test_a_bug_in_parse_is_not_retried(server: ScriptedServer, session: ApiSession) -> None:
    with pytest.raises(ZeroDivisionError):
        session.request("GET", parse=lambda response: 1 // 0)
    assert len(server.received) == 1


def test_retries_of_one_call_share_the_connection(server: ScriptedServer, session: ApiSession) -> None:
    server.script(reply(503, b"busy"), reply(503, b"busy"))
    assert session.request("GET").attempts == 3
    assert server.connections == 1


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_refused_and_credentials_do_not_travel(
    server: ScriptedServer, open_session: Open, status: int
) -> None:
    other = ScriptedServer(host="localhost")
    try:
        server.script(reply(status, headers={"Location": f"{other.url}/login"}))
        session = open_session(server.url, auth=("bob", "pass-on-redirect"), retry=POLICY, max_redirects=3)
        with pytest.raises(BadReply, match="redirects to localhost") as caught:
            session.request("GET")
    finally:
        other.stop()
    assert (caught.value.status, caught.value.action) == (status, Action.STOP)
    assert other.connections == 0
    assert len(server.received) == 1


def test_by_default_no_redirect_is_followed(server: ScriptedServer, open_session: Open) -> None:
    server.script(reply(302, headers={"Location": "/elsewhere"}))
    with pytest.raises(BadReply):
        open_session(server.url).request("GET")
    assert len(server.received) == 1


def test_the_body_of_a_redirect_is_not_read(server: ScriptedServer, open_session: Open) -> None:
    def endless(client, request) -> bool:
        client.send(head(302, {"Location": "http://other.example/", "Content-Length": "999999999"}))
        return never_answer(client, request)

    server.script(endless)
    with pytest.raises(BadReply):
        open_session(server.url, read_timeout=1.0).request("GET")


def test_a_redirect_within_the_host_is_followed_when_allowed(
    server: ScriptedServer, open_session: Open
) -> None:
    server.script(reply(301, headers={"Location": "/new?id=1"}), reply(body=b"found"))
    response = open_session(server.url, max_redirects=1).request("GET", "old", params={"id": "1"})
    assert (response.content, response.url) == (b"found", f"{server.url}/new?id=1")
    assert [received.target for received in server.received] == ["/old?id=1", "/new?id=1"]


def test_redirects_end_at_their_number(server: ScriptedServer, open_session: Open) -> None:
    server.script(*[reply(302, headers={"Location": "/again"})] * 5)
    with pytest.raises(BadReply, match="same host"):
        open_session(server.url, max_redirects=2).request("GET")
    assert len(server.received) == 3


def test_a_redirected_post_is_never_repeated(server: ScriptedServer, open_session: Open) -> None:
    server.script(reply(307, headers={"Location": "/again"}))
    with pytest.raises(BadReply):
        open_session(server.url, max_redirects=2).request("POST", idempotent=True)
    assert len(server.received) == 1


class TenantLocked(RateLimited):
    """A vendor's own word for "later"."""


def test_a_provider_explains_a_refusal_before_it_is_decided_what_to_do(
    server: ScriptedServer, open_session: Open, waits: list[float]
) -> None:
    server.script(reply(403, b"locked for 3 s", {"X-Lock": "3"}), reply(body=b"[1]"))
    seen: list[tuple[int, bytes, str]] = []

    def explain(response: ApiResponse, error: IntegrationError) -> IntegrationError:
        seen.append((response.status, response.content, error.code))
        return TenantLocked("locked", status=403, retry_after=float(response.headers["x-lock"]))

    session = open_session(server.url, retry=POLICY, sleep=waits.append, explain=explain)
    assert session.request("GET", parse=json_body) == [1]
    assert (seen, waits) == ([(403, b"locked for 3 s", "forbidden")], [3.0])
