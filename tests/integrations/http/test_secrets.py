"""Nothing secret reaches logs, error texts or tracebacks, whatever happens to a call."""

import base64
import logging
import traceback
from collections.abc import Callable
from urllib.parse import quote

import pytest

from integrations.http.errors import IntegrationError
from integrations.http.response import json_body
from integrations.http.retry import RetryOn, RetryPolicy
from integrations.http.session import ApiSession
from tests.integrations.http.server import ScriptedServer, hang_up, never_answer, reply, truncated

Open = Callable[..., ApiSession]

PASSWORD = "pa55 w/rd+plus"
API_KEY = "key-3f9a77b2"
PATH_SECRET = "hook-path-51c2"
QUERY_TOKEN = "query-token-88d1"
BODY_TOKEN = "body-token-2b7e"
BASIC = base64.b64encode(f"bob:{PASSWORD}".encode()).decode()
PLANTED = [PASSWORD, quote(PASSWORD), API_KEY, PATH_SECRET, QUERY_TOKEN, BODY_TOKEN, BASIC]
ECHO = (
    f'{{"note": "{PASSWORD} {API_KEY}", "refresh_token": "{BODY_TOKEN}", "sent": "Basic {BASIC}"}}'.encode()
)


@pytest.fixture
def session(server: ScriptedServer, open_session: Open) -> ApiSession:
    return open_session(
        server.url,
        auth=("bob", PASSWORD),
        headers={"X-Api-Key": API_KEY},
        secrets=[PATH_SECRET],
        retry=RetryPolicy(attempts=2, jitter=0, retry_exceptions=RetryOn.CONNECTION),
    )


def call(session: ApiSession, read_timeout: float = 5.0) -> object:
    return session.request(
        "POST",
        f"hooks/{PATH_SECRET}",
        params={"access_token": QUERY_TOKEN, "p": PASSWORD},
        json={"client_secret": BODY_TOKEN},
        idempotent=True,
        parse=json_body,
        read_timeout=read_timeout,
    )


def leaks(text: str) -> list[str]:
    return [secret for secret in PLANTED if secret in text]


def test_a_successful_call_logs_no_secret(
    server: ScriptedServer, session: ApiSession, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    call(session)
    assert PATH_SECRET in server.received[0].target
    assert leaks(caplog.text) == []


def test_the_librarys_own_log_of_a_call_holds_no_secret(
    server: ScriptedServer, session: ApiSession, caplog: pytest.LogCaptureFixture
) -> None:
    """Read at the library's logger, before any handler of the product could have cleaned the record."""
    library = logging.getLogger("urllib3.connectionpool")
    caplog.set_level(logging.DEBUG, logger=library.name)
    first = logging.Handler()
    seen: list[str] = []
    first.emit = lambda record: seen.append(record.getMessage())  # type: ignore[method-assign]
    library.addHandler(first)
    try:
        call(session)
    finally:
        library.removeHandler(first)
    assert any("/hooks/" in line for line in seen)
    assert leaks(" ".join(seen)) == []


@pytest.mark.parametrize(
    "behavior",
    [
        pytest.param(reply(400, ECHO), id="error status that echoes"),
        pytest.param(reply(body=ECHO[:-1]), id="bad reply that echoes"),
        pytest.param(
            reply(302, headers={"Location": f"http://u:{API_KEY}@h/?t={PATH_SECRET}"}), id="redirect"
        ),
        pytest.param(truncated(ECHO), id="truncated"),
        pytest.param(never_answer, id="timeout"),
        pytest.param(hang_up, id="hung up"),
    ],
)
def test_a_failed_call_shows_no_secret(
    server: ScriptedServer,
    session: ApiSession,
    caplog: pytest.LogCaptureFixture,
    behavior: Callable[..., bool],
) -> None:
    caplog.set_level(logging.DEBUG)
    caplog.set_level(logging.DEBUG, logger="urllib3")
    server.script(behavior, behavior)
    with pytest.raises(IntegrationError) as caught:
        call(session, read_timeout=0.1 if behavior is never_answer else 5.0)
    error = caught.value
    logging.getLogger("any").error("failed: %s", error, exc_info=error)
    shown = f"{error}{error!r}{error.excerpt}{error.actionable_message}"
    assert leaks(shown + "".join(traceback.format_exception(error))) == []
    assert leaks(caplog.text) == []


def test_a_call_that_cannot_connect_shows_no_secret(
    open_session: Open, closed_port: int, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    caplog.set_level(logging.DEBUG, logger="urllib3")
    with pytest.raises(IntegrationError) as caught:
        open_session(f"http://127.0.0.1:{closed_port}").request("GET", params={"access_token": QUERY_TOKEN})
    assert leaks("".join(traceback.format_exception(caught.value))) == []
    assert leaks(caplog.text) == []


def test_each_attempt_is_logged_with_what_an_operator_needs(
    server: ScriptedServer, session: ApiSession, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, logger="syncplatform.http")
    server.script(reply(503), reply(body=b"[]"))
    session.request("GET", "things", parse=json_body)
    failed, done = [record for record in caplog.records if record.name == "syncplatform.http"]
    assert (failed.levelno, done.levelno) == (logging.WARNING, logging.DEBUG)
    for part in (
        f"GET {server.url}/things",
        "error_code=server_error",
        "status=503",
        "attempt=1",
        "provider=acme",
    ):
        assert part in failed.getMessage()
    for part in (f"GET {server.url}/things", "status=200", "attempt=2", "elapsed=0.", "provider=acme"):
        assert part in done.getMessage()
