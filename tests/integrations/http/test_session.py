import base64
import json
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from integrations.http.errors import (
    BadReply,
    BadRequest,
    NotFound,
    RateLimited,
    ServerError,
    Unauthorized,
)
from integrations.http.pacing import Pacer
from integrations.http.response import ApiResponse, json_body
from integrations.http.session import ApiSession
from tests.integrations.http.server import ScriptedServer, reply

Open = Callable[..., ApiSession]


def test_a_reply_comes_back_whole(server: ScriptedServer, open_session: Open) -> None:
    server.script(reply(201, b'{"a": 1}', {"X-Thing": "yes"}))
    response = open_session(server.url).request("POST", "things", json={"b": 2})
    assert (response.status, response.content, response.attempts) == (201, b'{"a": 1}', 1)
    assert response.headers["x-thing"] == "yes"
    assert 0 < response.elapsed < 10
    assert response.url == f"{server.url}/things"


def test_the_request_arrives_as_asked(server: ScriptedServer, open_session: Open) -> None:
    session = open_session(f"{server.url}/prefix/", headers={"X-Fixed": "1"})
    session.request("post", "/path", params={"q": "ä b"}, json={"k": "v"}, headers={"X-Call": "2"})
    received = server.received[0]
    assert (received.method, received.target) == ("POST", "/prefix/path?q=%C3%A4+b")
    assert json.loads(received.body) == {"k": "v"}
    assert received.headers["content-type"] == "application/json"
    assert (received.headers["x-fixed"], received.headers["x-call"]) == ("1", "2")
    assert received.headers["accept-encoding"] == "gzip"


def test_form_data_is_encoded(server: ScriptedServer, open_session: Open) -> None:
    open_session(server.url).request("POST", data={"grant_type": "refresh"})
    assert server.received[0].body == b"grant_type=refresh"


def test_a_header_set_to_none_is_left_out(server: ScriptedServer, open_session: Open) -> None:
    open_session(server.url, headers={"X-Fixed": "1"}).request("GET", headers={"X-Fixed": None})
    assert "x-fixed" not in server.received[0].headers


@pytest.mark.parametrize("user", ["TREECO\\svc.sync", "DOM\\two words@mail.host", "Zürich€"])
def test_basic_credentials_are_sent_at_once_in_utf8(
    server: ScriptedServer, open_session: Open, user: str
) -> None:
    open_session(server.url, auth=(user, "pässword")).request("GET")
    sent = server.received[0].headers["authorization"].removeprefix("Basic ")
    assert base64.b64decode(sent).decode() == f"{user}:pässword"


def test_two_requests_share_one_connection(server: ScriptedServer, open_session: Open) -> None:
    session = open_session(server.url)
    session.request("GET")
    session.request("GET")
    assert (len(server.received), server.connections) == (2, 1)


@pytest.mark.parametrize("status", [204, 304, 404])
def test_a_connection_survives_a_reply_without_a_body_or_with_an_error(
    server: ScriptedServer, open_session: Open, status: int
) -> None:
    server.script(reply(status))
    session = open_session(server.url)
    if status == 404:
        with pytest.raises(NotFound):
            session.request("GET")
    else:
        assert session.request("GET").content == b""
    session.request("GET")
    assert server.connections == 1


def test_a_head_request_ignores_the_announced_length(server: ScriptedServer, open_session: Open) -> None:
    def head_only(client: Any, request: Any) -> bool:
        client.send(b"HTTP/1.1 200 OK\r\nContent-Length: 99999\r\n\r\n")
        return True

    server.script(head_only)
    assert open_session(server.url, max_body_bytes=10).request("HEAD").content == b""


def test_closing_ends_the_pooled_connections(server: ScriptedServer) -> None:
    closed = threading.Event()

    def answer_and_watch(client: Any, request: Any) -> bool:
        client.send(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        if client.sock.recv(1) == b"":
            closed.set()
        return False

    server.script(answer_and_watch)
    with ApiSession(server.url, provider="acme") as session:
        session.request("GET")
        assert not closed.wait(0.05)
    assert closed.wait(2)


def test_threads_may_share_a_session(server: ScriptedServer, open_session: Open) -> None:
    session = open_session(server.url)
    statuses: list[int] = []
    threads = [
        threading.Thread(target=lambda: statuses.append(session.request("GET").status)) for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert statuses == [200] * 8


@pytest.mark.parametrize(
    ("status", "kind"),
    [(401, Unauthorized), (404, NotFound), (422, BadRequest), (429, RateLimited), (500, ServerError)],
)
def test_an_error_status_raises_its_kind_with_an_excerpt(
    server: ScriptedServer, open_session: Open, status: int, kind: type[Exception]
) -> None:
    server.script(reply(status, b"<html>401 Nope</html>", {"Content-Type": "text/html"}))
    with pytest.raises(kind) as caught:
        open_session(server.url).request("GET", "things")
    error: Any = caught.value
    assert (error.status, error.provider, error.excerpt) == (status, "acme", "<html>401 Nope</html>")
    assert f"HTTP {status} from {server.url}/things" in str(error)


def test_parse_gives_the_result(server: ScriptedServer, open_session: Open) -> None:
    server.script(reply(body=b"[1, 2]"))
    assert open_session(server.url).request("GET", parse=json_body) == [1, 2]


def test_an_error_of_parse_names_the_provider(server: ScriptedServer, open_session: Open) -> None:
    server.script(reply(body=b"<html>login</html>"))
    with pytest.raises(BadReply, match=r"acme: .* is not JSON") as caught:
        open_session(server.url).request("GET", parse=json_body)
    assert caught.value.excerpt == "<html>login</html>"


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ('"é"'.encode(), "é"),
        (b'\xef\xbb\xbf"\xc3\xa9"', "é"),
        (b'"\xe9 \x80"', "é €"),
        (b'"\\ud800"', "\ud800"),
    ],
)
def test_json_is_read_whatever_its_encoding(body: bytes, text: str) -> None:
    assert json_body(ApiResponse(200, {"Content-Type": "text/html"}, body, "http://h", 0.1, 1)) == text


@pytest.mark.parametrize("body", [b"", b"{", b"\xff\xfe\x81", b"[" * 100_000])
def test_what_is_no_json_is_a_bad_reply(body: bytes) -> None:
    with pytest.raises(BadReply):
        json_body(ApiResponse(200, {}, body, "http://h", 0.1, 1))


def test_a_link_to_another_host_is_not_called(server: ScriptedServer, open_session: Open) -> None:
    with pytest.raises(BadRequest, match=r"acme: .* another host"):
        open_session(server.url).request("GET", "http://other.example/next")
    assert server.connections == 0


def test_a_request_that_cannot_be_built_is_our_fault(server: ScriptedServer, open_session: Open) -> None:
    with pytest.raises(BadRequest, match="cannot be built") as caught:
        open_session(server.url).request("GET", headers={"X-Api-Key": "key-with-newline\r\n"})
    assert "key-with-newline" not in f"{caught.value}{caught.value.__cause__}"


def test_every_attempt_is_paced(server: ScriptedServer, open_session: Open) -> None:
    pauses: list[float] = []
    session = open_session(server.url, pacer=Pacer(calls=5, pause_seconds=0.5, sleep=pauses.append))
    for _ in range(11):
        session.request("GET")
    assert pauses == [0.5, 0.5]


def test_the_engine_is_imported_without_django_apps_or_models() -> None:
    code = (
        "import sys, integrations.http.session; "
        "sys.exit(any(name.startswith(('django.db', 'django.apps')) for name in sys.modules))"
    )
    root = Path(__file__).resolve().parents[3]
    assert subprocess.run([sys.executable, "-c", code], cwd=root, timeout=20).returncode == 0
