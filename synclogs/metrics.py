"""Metrics over StatsD (UDP, tags in the DogStatsD form): docs/operations.md, "Metrics".

Off until STATSD_HOST is set. A metric that cannot be sent is forgotten: nothing ever fails because of one.
"""

from __future__ import annotations

import contextlib
import logging
import socket
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from django.conf import settings

logger = logging.getLogger("syncplatform.metrics")

LOOK_UP_AGAIN_SECONDS = 60.0
_FORBIDDEN = str.maketrans(dict.fromkeys(":|@#,\n\r ", "_"))


class Backend(Protocol):
    """Where lines go."""

    def send(self, line: str) -> None:
        """Send one line."""


class NullBackend:
    """Sends nothing."""

    def send(self, line: str) -> None:
        """Forget it."""


@dataclass(slots=True)
class MemoryBackend:
    """Keeps the lines, for tests."""

    lines: list[str] = field(default_factory=list)

    def send(self, line: str) -> None:
        """Keep it."""
        self.lines.append(line)


class UdpBackend:
    """Sends datagrams without waiting; only the host's name is looked up, at most once a minute."""

    def __init__(self, host: str, port: int) -> None:
        self._name = (host, port)
        self._address: Any = None
        self._socket: socket.socket | None = None
        self._looked_up_at = -LOOK_UP_AGAIN_SECONDS

    def send(self, line: str) -> None:
        """Send it, or not."""
        with contextlib.suppress(OSError, UnicodeError):
            self._look_up()
            if self._socket is not None:
                self._socket.sendto(line.encode(), self._address)

    def _look_up(self) -> None:
        now = time.monotonic()
        if now - self._looked_up_at < LOOK_UP_AGAIN_SECONDS:
            return
        self._looked_up_at = now
        try:
            family, kind, protocol, _, address = socket.getaddrinfo(*self._name, type=socket.SOCK_DGRAM)[0]
        except OSError as error:
            logger.warning("metrics are not sent, %s cannot be found: %s", self._name[0], error)
            return
        if self._socket is None or self._socket.family != family:
            self._socket = socket.socket(family, kind, protocol)
            self._socket.setblocking(False)
        self._address = address


_backends: dict[tuple[str, str, int], Backend] = {}


def backend() -> Backend:
    """The backend that the settings ask for; one a process."""
    key = (settings.STATSD_BACKEND, settings.STATSD_HOST, settings.STATSD_PORT)
    if key not in _backends:
        _backends[key] = _new_backend(*key)
    return _backends[key]


def count(name: str, value: int = 1, *, tags: Mapping[str, object] | None = None) -> None:
    """Add to a counter."""
    _send(name, str(value), "c", tags)


def timing(name: str, milliseconds: float, *, tags: Mapping[str, object] | None = None) -> None:
    """Report a duration in milliseconds."""
    _send(name, f"{milliseconds:.0f}", "ms", tags)


def gauge(name: str, value: float, *, tags: Mapping[str, object] | None = None) -> None:
    """Report a level."""
    _send(name, f"{value:.6f}".rstrip("0").rstrip("."), "g", tags)


def _send(name: str, value: str, kind: str, tags: Mapping[str, object] | None) -> None:
    where = backend()
    if not isinstance(where, NullBackend):
        where.send(f"{name}:{value}|{kind}|@1{_tags(tags)}")


def _new_backend(kind: str, host: str, port: int) -> Backend:
    if kind == "memory":
        return MemoryBackend()
    if kind == "null" or not host:
        return NullBackend()
    return UdpBackend(host, port)


def _tags(tags: Mapping[str, object] | None) -> str:
    if not tags:
        return ""
    pairs = ",".join(f"{name}:{str(value).translate(_FORBIDDEN)}" for name, value in tags.items())
    return f"|#{pairs}"
