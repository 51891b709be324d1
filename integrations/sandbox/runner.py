"""Running sandboxes in the foreground: seed, listen, announce, wait for a signal."""

from __future__ import annotations

import os
import signal
import tempfile
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any

from integrations.sandbox.base import ProviderSandbox
from integrations.sandbox.server import SandboxServer


@dataclass(frozen=True)
class RunOptions:
    """How to run the sandboxes.

    Attributes:
        host: address to listen on.
        port: port to listen on, 0 for a free one.
        seed: fill every sandbox with generated data first.
        seed_options: options for those sandboxes whose ``seed`` knows them.
        port_file: where to write the port once the socket listens; deleted at the end.
    """

    host: str = "127.0.0.1"
    port: int = 8801
    seed: bool = True
    seed_options: Mapping[str, Any] = field(default_factory=dict)
    port_file: Path | None = None


@dataclass(frozen=True)
class Announcement:
    """What runs: the server's URL, and per provider its URL, environment and seed summary."""

    url: str
    providers: dict[str, dict[str, Any]]


def run(
    sandboxes: Iterable[ProviderSandbox],
    options: RunOptions,
    announce: Callable[[Announcement], None],
    stop: threading.Event | None = None,
) -> None:
    """Serve the sandboxes until ``stop`` is set or SIGTERM or SIGINT arrives.

    Args:
        sandboxes: what to serve.
        options: where and with which data.
        announce: called once, when the socket listens and the data is there.
        stop: ends the run from another thread.

    Raises:
        OSError: the port is taken or the port file cannot be written.
        SandboxError: a sandbox refused the seed options.
    """
    stop = stop or threading.Event()
    sandboxes = list(sandboxes)
    if options.port_file is not None:
        options.port_file.unlink(missing_ok=True)
    with _stop_on_signals(stop):
        summaries = {sandbox.slug: _seed(sandbox, options) for sandbox in sandboxes}
        with (
            SandboxServer(sandboxes, options.host, options.port) as server,
            _port_file(options.port_file, server.port),
        ):
            announce(_announcement(server, summaries))
            stop.wait()


def _seed(sandbox: ProviderSandbox, options: RunOptions) -> dict[str, Any]:
    if not options.seed:
        return {}
    known = {name: value for name, value in options.seed_options.items() if name in sandbox.seed_options}
    return sandbox.seed(**known)


def _announcement(server: SandboxServer, summaries: Mapping[str, dict[str, Any]]) -> Announcement:
    providers = {}
    for slug, mount in server.mounts.items():
        url = server.url_for(slug)
        providers[slug] = {"url": url, "environment": mount.sandbox.environment(url), "seed": summaries[slug]}
    return Announcement(server.url, providers)


@contextmanager
def _port_file(path: Path | None, port: int) -> Iterator[None]:
    if path is None:
        yield
        return
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=path.name)
    try:
        with os.fdopen(descriptor, "w") as file:
            file.write(f"{port}\n")
        Path(temporary).replace(path)
        yield
    finally:
        Path(temporary).unlink(missing_ok=True)
        path.unlink(missing_ok=True)


@contextmanager
def _stop_on_signals(stop: threading.Event) -> Iterator[None]:
    """Set the event on SIGTERM and SIGINT, where signals can be had: in the main thread."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def handle(number: int, frame: FrameType | None) -> None:
        stop.set()

    previous = {number: signal.signal(number, handle) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
