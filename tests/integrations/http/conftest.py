import socket
import ssl
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from integrations.http.retry import RetryPolicy
from integrations.http.session import ApiSession
from tests.integrations.http.authority import make_authority
from tests.integrations.http.server import ScriptedServer

ONE_ATTEMPT = RetryPolicy(attempts=1)


@pytest.fixture(autouse=True)
def _allow_loopback(settings: Any) -> None:
    settings.HTTP_ALLOW_LOOPBACK = True
    settings.HTTP_ALLOWED_PRIVATE_HOSTS = []


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    running = ScriptedServer()
    yield running
    running.stop()


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The paths of an authority's certificate, and of a server's certificate and key that it signed."""
    return make_authority(tmp_path_factory.mktemp("tls"))


@pytest.fixture
def ca(authority: tuple[Path, Path]) -> str:
    return str(authority[0])


@pytest.fixture
def tls_server(authority: tuple[Path, Path]) -> Iterator[ScriptedServer]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(authority[1])
    running = ScriptedServer(tls=context)
    yield running
    running.stop()


@pytest.fixture
def open_session() -> Iterator[Callable[..., ApiSession]]:
    """Opens sessions with one attempt and no waiting, unless told otherwise."""
    opened: list[ApiSession] = []

    def open_one(base_url: str, **options: Any) -> ApiSession:
        defaults = {"provider": "acme", "retry": ONE_ATTEMPT, "connect_timeout": 5.0, "read_timeout": 5.0}
        opened.append(ApiSession(base_url, **{**defaults, "sleep": lambda seconds: None, **options}))
        return opened[-1]

    yield open_one
    for session in opened:
        session.close()


@pytest.fixture
def closed_port() -> int:
    """A loopback port on which nothing listens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])
