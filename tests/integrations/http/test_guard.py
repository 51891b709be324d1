import _socket
import socket
import time
from collections.abc import Callable
from typing import Any

import pytest

from integrations.http.errors import Action, Fault, PrivateAddressRefused
from integrations.http.guard import check_address
from integrations.http.retry import RetryPolicy
from integrations.http.session import ApiSession
from tests.integrations.http.server import ScriptedServer

Open = Callable[..., ApiSession]


@pytest.mark.parametrize("address", ["93.184.215.14", "2606:2800:21f::1"])
def test_a_public_address_passes(address: str) -> None:
    check_address("vendor.example", address)


@pytest.mark.parametrize(
    "address",
    [
        "10.1.2.3",
        "172.16.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "192.0.2.1",
        "224.0.0.1",
        "240.0.0.1",
        "255.255.255.255",
        "0.0.0.0",
        "::",
        "fe80::1%eth0",
        "fc00::1",
        "ff02::1",
        "::ffff:10.1.2.3",
        "64:ff9b::10.1.2.3",
        "2002:0a01:0203::1",
    ],
)
def test_an_address_that_is_not_public_is_refused(address: str) -> None:
    with pytest.raises(PrivateAddressRefused) as caught:
        check_address("vendor.example", address)
    assert (caught.value.action, caught.value.fault) == (Action.STOP, Fault.US)
    assert "HTTP_ALLOWED_PRIVATE_HOSTS" in caught.value.actionable_message


@pytest.mark.parametrize(
    "address", ["127.0.0.1", "127.8.8.8", "::1", "::ffff:127.0.0.1", "64:ff9b::127.0.0.1"]
)
def test_loopback_hangs_on_its_own_setting(settings: Any, address: str) -> None:
    check_address("localhost", address)
    settings.HTTP_ALLOW_LOOPBACK = False
    settings.HTTP_ALLOWED_PRIVATE_HOSTS = ["localhost", "127.0.0.0/8", "::1"]
    with pytest.raises(PrivateAddressRefused) as caught:
        check_address("localhost", address)
    assert "HTTP_ALLOW_LOOPBACK" in caught.value.actionable_message


@pytest.mark.parametrize("entry", ["erp.corp", "ERP.corp.", "10.1.2.3", "10.0.0.0/8", "10.1.2.9/24"])
def test_a_private_host_is_allowed_by_name_address_or_network(settings: Any, entry: str) -> None:
    settings.HTTP_ALLOWED_PRIVATE_HOSTS = ["other.corp", entry]
    check_address("erp.corp", "10.1.2.3")
    check_address("erp.corp", "::ffff:10.1.2.3")


@pytest.mark.parametrize("entry", ["corp", "10.1.2.4", "10.2.0.0/16", "fc00::/7", ""])
def test_other_entries_allow_nothing(settings: Any, entry: str) -> None:
    settings.HTTP_ALLOWED_PRIVATE_HOSTS = [entry]
    with pytest.raises(PrivateAddressRefused):
        check_address("erp.corp", "10.1.2.3")


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1"])
def test_a_name_for_loopback_is_refused_before_anything_connects(
    settings: Any, server: ScriptedServer, open_session: Open, host: str
) -> None:
    settings.HTTP_ALLOW_LOOPBACK = False
    with pytest.raises(PrivateAddressRefused, match="loopback") as caught:
        open_session(f"http://{host}:{server.port}").request("GET")
    assert caught.value.provider == "acme"
    assert server.connections == 0


def test_the_same_name_is_called_when_loopback_is_allowed(server: ScriptedServer, open_session: Open) -> None:
    assert open_session(f"http://localhost:{server.port}").request("GET").status == 200


def test_the_connected_peer_counts_and_gets_no_byte(
    settings: Any, server: ScriptedServer, open_session: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    """0.0.0.0 is allowed by name here, yet the system connects it to loopback, on this machine."""
    monkeypatch.setattr(socket.socket, "connect", _socket.socket.connect)
    settings.HTTP_ALLOW_LOOPBACK = False
    settings.HTTP_ALLOWED_PRIVATE_HOSTS = ["0.0.0.0"]
    with pytest.raises(PrivateAddressRefused, match="loopback"):
        open_session(f"http://0.0.0.0:{server.port}").request("GET")
    time.sleep(0.05)
    assert (server.connections, bytes(server.seen)) == (1, b"")


def test_the_guard_holds_for_tls_before_the_handshake(
    settings: Any, tls_server: ScriptedServer, open_session: Open
) -> None:
    settings.HTTP_ALLOW_LOOPBACK = False
    with pytest.raises(PrivateAddressRefused):
        open_session(f"https://localhost:{tls_server.port}").request("GET")
    assert tls_server.connections == 0


def test_a_private_address_is_refused_without_trying_it(open_session: Open) -> None:
    with pytest.raises(PrivateAddressRefused, match=r"10\.255\.255\.1"):
        open_session("http://10.255.255.1:9").request("GET")


def test_a_refused_address_is_not_retried(settings: Any, server: ScriptedServer, open_session: Open) -> None:
    settings.HTTP_ALLOW_LOOPBACK = False
    waits: list[float] = []
    session = open_session(server.url, retry=RetryPolicy(attempts=3), sleep=waits.append)
    with pytest.raises(PrivateAddressRefused):
        session.request("GET")
    assert waits == []


def test_environment_proxies_are_not_used(
    server: ScriptedServer, open_session: Open, closed_port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{closed_port}")
    monkeypatch.setenv("NO_PROXY", "")
    assert open_session(server.url).request("GET").status == 200
