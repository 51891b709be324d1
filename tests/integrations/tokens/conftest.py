from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from integrations.http.retry import RetryPolicy
from integrations.http.session import ApiSession
from integrations.models import Credential
from integrations.sandbox import SandboxServer
from integrations.sandbox.exchange import Mount
from integrations.tokens import ClientCredentials, ClientSecrets, CredentialToken, TokenEndpoint
from tests.factories import CredentialFactory
from tests.integrations.tokens.vendor import CLIENT_ID, CLIENT_SECRET, TokenVendor

CLIENT = ClientSecrets(CLIENT_ID, CLIENT_SECRET)


@pytest.fixture
def server() -> Iterator[SandboxServer]:
    with SandboxServer([TokenVendor()]) as running:
        yield running


@pytest.fixture
def mount(server: SandboxServer) -> Mount:
    return server.mounts["vendor"]


@pytest.fixture
def vendor(mount: Mount) -> TokenVendor:
    assert isinstance(mount.sandbox, TokenVendor)
    return mount.sandbox


@pytest.fixture
def endpoint(server: SandboxServer) -> TokenEndpoint:
    return TokenEndpoint("vendor", f"{server.url_for('vendor')}/token")


@pytest.fixture
def credential() -> Credential:
    """An account connected long ago: its access token has ended, its refresh token works."""
    row: Credential = CredentialFactory(
        provider="vendor",
        kind="oauth2",
        secrets={"access_token": "access-old", "refresh_token": "refresh-0"},
        expires_at=timezone.now() - timedelta(minutes=5),
        auth_metadata={"expires_in": 900},
    )
    return row


@pytest.fixture
def connect(server: SandboxServer, endpoint: TokenEndpoint) -> Iterator[Callable[[Credential], ApiSession]]:
    """Opens sessions that call the vendor with a credential's token."""
    opened: list[ApiSession] = []

    def one(credential: Credential) -> ApiSession:
        token = CredentialToken(credential, endpoint, lambda: CLIENT)
        opened.append(new_session(server, token))
        return opened[-1]

    yield one
    for session in opened:
        session.close()


@pytest.fixture
def client(
    server: SandboxServer, endpoint: TokenEndpoint
) -> Iterator[Callable[..., tuple[ApiSession, ClientCredentials]]]:
    """Opens sessions that call the vendor with tokens of the client's own."""
    opened: list[ApiSession] = []

    def one(secret: str = CLIENT_SECRET, **options: Any) -> tuple[ApiSession, ClientCredentials]:
        options = {"sleep": lambda seconds: None, **options}
        token = ClientCredentials(endpoint, ClientSecrets(CLIENT_ID, secret), **options)
        opened.append(new_session(server, token))
        return opened[-1], token

    yield one
    for session in opened:
        session.close()


def new_session(server: SandboxServer, token: CredentialToken | ClientCredentials) -> ApiSession:
    url = server.url_for("vendor")
    return ApiSession(url, provider="vendor", authenticator=token, retry=RetryPolicy(attempts=1))
