"""The server: routing, keep-alive, limits, stopping."""

import http.client
import socket
import time
from urllib.parse import urlsplit

import pytest
import requests

from integrations.sandbox import SandboxServer
from tests.integrations.sandbox.conftest import Echo, EchoSandbox


def raw(url: str, request: bytes) -> bytes:
    """Send bytes to the server and return all that comes back."""
    parts = urlsplit(url)
    with socket.create_connection((parts.hostname, parts.port), timeout=5) as connection:
        connection.sendall(request)
        connection.shutdown(socket.SHUT_WR)
        return b"".join(iter(lambda: connection.recv(65536), b""))


def test_index_names_the_providers(echo: Echo) -> None:
    reply = requests.get(echo.server.url, timeout=5)
    assert reply.json()["providers"] == {"echo": {"url": "/echo", "control": "/echo/_sim/"}}


def test_unknown_prefix_is_a_404_that_names_what_exists(echo: Echo) -> None:
    reply = requests.get(f"{echo.server.url}/nobody/x", timeout=5)
    assert reply.status_code == 404
    assert reply.json() == {"error": "There is nothing at /nobody/x.", "providers": ["/echo"]}


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
def test_request_reaches_the_provider_below_its_prefix(echo: Echo, method: str) -> None:
    reply = requests.request(method, f"{echo.url}/a%20b/c?x=1&x=2&y=", data="body", timeout=5)
    assert reply.json() == {
        "method": method,
        "path": "/a b/c",
        "query": {"x": ["1", "2"], "y": [""]},
        "body": "body",
    }


@pytest.mark.parametrize("path", ["", "/"])
def test_bare_prefix_is_the_provider_root(echo: Echo, path: str) -> None:
    assert echo.get(path).json()["path"] == "/"


def test_head_gets_headers_only_and_keeps_the_connection(echo: Echo) -> None:
    with requests.Session() as session:
        assert session.head(f"{echo.url}/big", timeout=5).headers["Content-Length"] == "300000"
        assert session.get(f"{echo.url}/hello", timeout=5).json()["number"] == 7


def test_provider_that_fails_is_a_500_and_the_server_lives_on(echo: Echo) -> None:
    reply = echo.get("/boom")
    assert (reply.status_code, reply.json()) == (
        500,
        {"error": "The sandbox itself failed: ValueError('boom')"},
    )
    assert echo.get().status_code == 200


def test_one_connection_serves_many_requests(echo: Echo) -> None:
    parts = urlsplit(echo.url)
    connection = http.client.HTTPConnection(str(parts.hostname), parts.port, timeout=5)
    connection.connect()
    port = connection.sock.getsockname()[1]
    for _ in range(20):
        connection.request("GET", "/echo/hello")
        assert connection.getresponse().read()
    assert connection.sock.getsockname()[1] == port
    connection.close()


def test_body_over_the_limit_is_a_413() -> None:
    with SandboxServer([EchoSandbox()], max_body_bytes=1000) as server:
        url = server.url_for("echo")
        assert requests.post(f"{url}/x", data="y" * 1000, timeout=5).status_code == 200
        assert requests.post(f"{url}/x", data="y" * 1001, timeout=5).status_code == 413
        assert requests.post(f"{url}/x", data="y" * 20_000_000, timeout=5).status_code == 413
        assert requests.post(f"{url}/_sim/seed", data=" " * 5000, timeout=5).status_code == 200
        assert len(server.mounts["echo"].journal.snapshot()["entries"]) == 1


@pytest.mark.parametrize(
    ("head", "status"),
    [
        (b"Content-Length: many", 400),
        (b"Content-Length: -1", 400),
        (b"Transfer-Encoding: chunked", 411),
    ],
)
def test_length_that_is_no_length_is_refused(echo: Echo, head: bytes, status: int) -> None:
    reply = raw(echo.url, b"POST /echo/x HTTP/1.1\r\nHost: x\r\n" + head + b"\r\n\r\n0\r\n\r\n")
    assert reply.startswith(b"HTTP/1.1 %d " % status)


def test_body_cut_short_by_the_client_is_not_a_call(echo: Echo) -> None:
    assert raw(echo.url, b"POST /echo/x HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nshort") == b""
    assert echo.entries() == []


def test_http_1_0_client_gets_its_connection_closed(echo: Echo) -> None:
    reply = raw(echo.url, b"GET /echo/hello HTTP/1.0\r\n\r\n")
    assert reply.startswith(b"HTTP/1.1 200 OK")
    assert b"Connection: close" in reply


def test_stop_cuts_idle_connections_and_a_restart_keeps_port_and_data() -> None:
    server = SandboxServer([EchoSandbox()])
    with pytest.raises(RuntimeError, match="no port before"):
        _ = server.url
    server.start()
    url = server.url_for("echo")
    session = requests.Session()
    assert session.post(f"{url}/_sim/seed", json={"items": 9}, timeout=5).json()["items"] == 9
    server.stop()
    server.stop()
    with pytest.raises(requests.ConnectionError):
        session.get(f"{url}/hello", timeout=5)
    server.start()
    with pytest.raises(RuntimeError, match="runs already"):
        server.start()
    assert server.url_for("echo") == url
    assert session.get(f"{url}/_sim/state", timeout=5).json()["items"] == 9
    server.stop()


def test_stop_does_not_wait_for_slow_replies(echo: Echo) -> None:
    echo.fault("hang")
    parts = urlsplit(echo.url)
    with socket.create_connection((parts.hostname, parts.port), timeout=5) as connection:
        connection.sendall(b"GET /echo/hello HTTP/1.1\r\nHost: x\r\n\r\n")
        echo.wait_until(lambda: echo.server.mounts["echo"].journal.counts()["in_flight"] == 1)
        started = time.monotonic()
        echo.server.stop()
        assert connection.recv(100) == b""
    assert time.monotonic() - started < 3


def test_taken_port_is_an_error() -> None:
    with SandboxServer([EchoSandbox()]) as server, pytest.raises(OSError, match="in use"):
        SandboxServer([EchoSandbox()], port=server.port).start()
