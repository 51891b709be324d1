"""What every test has: cheap passwords, a cache of its own, short leases, and no way out of this machine."""

import ipaddress
import os
import socket
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.conf import settings as django_settings
from django.core.cache import cache

from synclogs.redaction import known

LOCAL_NAMES = {"", "localhost", "localhost.localdomain", "ip6-localhost"}
TEST_SERVERS = {
    urlsplit(os.environ[name]).hostname or "" for name in ("DATABASE_URL", "REDIS_URL") if name in os.environ
}
CONNECTING_METHODS = ("connect", "connect_ex", "sendto")


def pytest_configure() -> None:
    """Makes settings safe for tests before anything uses them."""
    django_settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    django_settings.CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
    django_settings.JOB_LEASE_SECONDS = 2.0
    django_settings.HTTP_ALLOW_LOOPBACK = True
    django_settings.WEBHOOK_KEY_SECONDS = 0


@pytest.fixture(autouse=True)
def _empty_cache() -> Iterator[None]:
    """Leaves nothing in the cache for the next test."""
    yield
    cache.clear()


@pytest.fixture(autouse=True)
def _known_secrets() -> Iterator[None]:
    """Forgets the secrets that a test made known to redaction."""
    before = dict(known._registered)
    yield
    known._registered.clear()
    known._registered.update(before)
    known._longest_first = tuple(sorted(before, key=len, reverse=True))


def is_local(address: Any) -> bool:
    """Whether a socket address is on this machine, or that of a server which the tests were given."""
    if not isinstance(address, tuple):
        return True
    host = str(address[0])
    if host in LOCAL_NAMES or host in TEST_SERVERS:
        return True
    try:
        return ipaddress.ip_address(host.partition("%")[0]).is_loopback
    except ValueError:
        return False


@pytest.fixture(autouse=True)
def _no_network(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Fails a test that opens a socket to another machine, also when the code under test hides the error."""
    attempts: list[str] = []

    def guarded(method: str) -> Any:
        original = getattr(socket.socket, method)

        def call(self: socket.socket, *args: Any) -> Any:
            if not is_local(args[-1]):
                attempts.append(f"{method} to {args[-1]}")
                raise OSError(f"tests may not leave this machine: {attempts[-1]}")
            return original(self, *args)

        return call

    for method in CONNECTING_METHODS:
        monkeypatch.setattr(socket.socket, method, guarded(method), raising=True)
    yield
    if attempts:
        pytest.fail(f"the test tried to leave this machine: {', '.join(attempts)}", pytrace=False)
