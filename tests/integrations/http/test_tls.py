import logging
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from integrations.http import transport
from integrations.http.errors import Action, ConnectionFailed, Fault, TimedOut, TlsFailed
from integrations.http.session import ApiSession
from tests.integrations.http.server import ScriptedServer

Open = Callable[..., ApiSession]

pytestmark = pytest.mark.filterwarnings("ignore:Unverified HTTPS request")


@pytest.mark.parametrize("verify", [True, ""], ids=["verify", "empty CA path"])
def test_an_untrusted_certificate_is_refused(
    tls_server: ScriptedServer, open_session: Open, verify: bool | str
) -> None:
    with pytest.raises(TlsFailed, match="not trusted") as caught:
        open_session(tls_server.url, verify=verify).request("GET")
    assert caught.value.action is Action.STOP
    assert "CA" in caught.value.actionable_message
    assert tls_server.received == []


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_a_configured_authority_is_trusted(
    ca: str, tls_server: ScriptedServer, open_session: Open, host: str
) -> None:
    session = open_session(f"https://{host}:{tls_server.port}", verify=ca, total_timeout=5.0)
    session.request("GET")
    assert session.request("GET").status == 200
    assert tls_server.connections == 1


def test_a_certificate_for_another_name_is_refused(
    ca: str, tls_server: ScriptedServer, open_session: Open
) -> None:
    other_name = ScriptedServer(tls=tls_server.tls, host="127.0.0.2")
    try:
        with pytest.raises(TlsFailed, match="not trusted"):
            open_session(other_name.url, verify=ca).request("GET")
    finally:
        other_name.stop()
    assert other_name.received == []


@pytest.mark.parametrize("bundle", ["missing.pem", "empty.pem"])
def test_an_unusable_authority_never_means_no_check(
    tls_server: ScriptedServer, open_session: Open, tmp_path: Path, bundle: str
) -> None:
    (tmp_path / "empty.pem").touch()
    with pytest.raises(TlsFailed):
        open_session(tls_server.url, verify=str(tmp_path / bundle)).request("GET")
    assert tls_server.received == []


def test_a_missing_authority_names_the_setting_to_correct(open_session: Open) -> None:
    with pytest.raises(TlsFailed, match=r"/nowhere/ca\.pem") as caught:
        open_session("https://h.example", verify="/nowhere/ca.pem")
    assert caught.value.fault is Fault.US


def test_switched_off_verification_is_logged_once_per_host(
    tls_server: ScriptedServer,
    open_session: Open,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(transport, "_unverified_hosts", set())
    for _ in range(2):
        assert open_session(tls_server.url, verify=False).request("GET").status == 200
    warned = [record for record in caplog.records if record.levelno == logging.WARNING]
    assert [record.name for record in warned] == ["syncplatform.http"]
    assert "127.0.0.1" in warned[0].getMessage()


def test_plain_http_where_tls_is_expected_is_refused(open_session: Open) -> None:
    plain = ScriptedServer(on_connect=lambda sock: sock.sendall(b"HTTP/1.0 400 Bad Request\r\n\r\n"))
    try:
        with pytest.raises(TlsFailed):
            open_session(f"https://127.0.0.1:{plain.port}").request("GET")
    finally:
        plain.stop()


def test_a_connection_that_ends_in_the_handshake_may_be_tried_again(open_session: Open) -> None:
    dying = ScriptedServer(on_connect=lambda sock: sock.recv(1024))
    try:
        with pytest.raises(ConnectionFailed) as caught:
            open_session(f"https://127.0.0.1:{dying.port}").request("GET")
    finally:
        dying.stop()
    assert caught.value.action is Action.RETRY


def test_a_silent_handshake_ends_with_the_total_timeout(open_session: Open) -> None:
    silent = ScriptedServer(on_connect=lambda sock: sock.recv(10_000) and sock.recv(1))
    started = time.monotonic()
    try:
        with pytest.raises(TimedOut):
            open_session(f"https://127.0.0.1:{silent.port}", connect_timeout=5.0, total_timeout=0.3).request(
                "GET"
            )
    finally:
        silent.stop()
    assert time.monotonic() - started < 4.0
