import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from integrations.http.errors import Action, ConnectionFailed, ServerError, TimedOut
from integrations.http.retry import RetryOn, RetryPolicy
from integrations.http.session import ApiSession
from tests.integrations.http.server import (
    ScriptedServer,
    drip,
    hang_up,
    head,
    never_answer,
    raw_reply,
    reply,
    stall_halfway,
)

Open = Callable[..., ApiSession]
SLOW_BODY = head(200, {"Content-Length": "100"}) + b"x" * 100


@contextmanager
def lasting_about(seconds: float) -> Iterator[None]:
    """Not less, and well below the five seconds or more that each of these vendors would take."""
    started = time.monotonic()
    yield
    assert seconds - 0.05 <= time.monotonic() - started < 4.0


@pytest.mark.parametrize("behavior", [never_answer, stall_halfway])
def test_silence_ends_with_the_read_timeout(
    server: ScriptedServer, open_session: Open, behavior: Callable[..., bool]
) -> None:
    server.script(behavior)
    with lasting_about(0.2), pytest.raises(TimedOut) as caught:
        open_session(server.url, read_timeout=0.2).request("GET")
    assert (caught.value.action, caught.value.provider) == (Action.RETRY, "acme")


def test_without_a_total_limit_a_slow_body_is_read_to_its_end(
    server: ScriptedServer, open_session: Open
) -> None:
    server.script(drip(head(200, {"Content-Length": "8"}) + b"12345678", interval=0.01))
    assert open_session(server.url, read_timeout=3.0).request("GET").content == b"12345678"


@pytest.mark.parametrize(
    "behavior",
    [
        pytest.param(drip(SLOW_BODY, interval=0.05), id="from the first header byte"),
        pytest.param(
            drip(head(200, {"Transfer-Encoding": "chunked"}) + b"1\r\nx\r\n" * 50, interval=0.03),
            id="chunked",
        ),
        pytest.param(never_answer, id="silence"),
    ],
)
def test_dripping_bytes_do_not_outlast_the_total_timeout(
    server: ScriptedServer, open_session: Open, behavior: Callable[..., bool]
) -> None:
    server.script(behavior)
    with lasting_about(0.3), pytest.raises(TimedOut):
        open_session(server.url, read_timeout=5.0, total_timeout=0.3).request("GET")


def test_a_dripping_body_does_not_outlast_the_total_timeout(
    server: ScriptedServer, open_session: Open
) -> None:
    def slow_body(client, request) -> bool:
        client.send(head(200, {"Content-Length": "100"}))
        return drip(b"x" * 100, interval=0.05)(client, request)

    server.script(slow_body)
    with lasting_about(0.3), pytest.raises(TimedOut):
        open_session(server.url, read_timeout=5.0, total_timeout=0.3).request("GET")


def test_a_dripping_error_body_does_not_outlast_the_total_timeout(
    server: ScriptedServer, open_session: Open
) -> None:
    def slow_error(client, request) -> bool:
        client.send(head(503, {"Content-Length": "100"}))
        return drip(b"x" * 100, interval=0.05)(client, request)

    server.script(slow_error)
    with lasting_about(0.3), pytest.raises(ServerError):
        open_session(server.url, total_timeout=0.3).request("GET")


def test_the_total_timeout_covers_all_attempts(server: ScriptedServer, open_session: Open) -> None:
    server.script(*[never_answer] * 40)
    policy = RetryPolicy(attempts=40, jitter=0, wait_multiplier=0, retry_exceptions=RetryOn.TIMEOUT)
    with lasting_about(0.5), pytest.raises(TimedOut):
        open_session(server.url, read_timeout=0.2, total_timeout=0.5, retry=policy).request("GET")
    assert 2 <= len(server.received) <= 3


def test_no_wait_goes_beyond_the_total_timeout(server: ScriptedServer, open_session: Open) -> None:
    server.script(hang_up)
    waits: list[float] = []
    session = open_session(server.url, total_timeout=0.5, retry=RetryPolicy(jitter=0), sleep=waits.append)
    with pytest.raises(ConnectionFailed):
        session.request("GET")
    assert waits == []


def test_a_call_may_have_timeouts_of_its_own(server: ScriptedServer, open_session: Open) -> None:
    server.script(never_answer, never_answer)
    session = open_session(server.url, read_timeout=5.0)
    with lasting_about(0.1), pytest.raises(TimedOut):
        session.request("GET", read_timeout=0.1)
    with lasting_about(0.1), pytest.raises(TimedOut):
        session.request("GET", total_timeout=0.1)


def test_after_a_timeout_the_connection_is_not_used_again(server: ScriptedServer, open_session: Open) -> None:
    server.script(stall_halfway, reply(body=b"fresh"))
    session = open_session(server.url, read_timeout=0.1)
    with pytest.raises(TimedOut):
        session.request("GET")
    assert session.request("GET").content == b"fresh"
    assert server.connections == 2


def test_a_deadline_does_not_shorten_the_reads_of_the_next_call(
    server: ScriptedServer, open_session: Open
) -> None:
    server.script(reply(), drip(head(200, {"Content-Length": "4"}) + b"1234", interval=0.014))
    session = open_session(server.url)
    session.request("GET", total_timeout=0.5)
    with lasting_about(0.5):
        assert session.request("GET").content == b"1234"
    assert server.connections == 1


def test_a_reply_in_time_passes_under_a_deadline(server: ScriptedServer, open_session: Open) -> None:
    server.script(reply(body=b"x" * 200_000), raw_reply(head(200, {}) + b"until the end"))
    session = open_session(server.url, total_timeout=20.0)
    assert len(session.request("GET").content) == 200_000
    assert session.request("GET").content == b"until the end"
    assert server.connections == 1
