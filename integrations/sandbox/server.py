"""One HTTP server for all providers' sandboxes: a path prefix each, a free port, broken on request."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from types import TracebackType
from typing import Self

from integrations.sandbox.base import ProviderSandbox
from integrations.sandbox.exchange import Mount
from integrations.sandbox.listener import Listener
from integrations.sandbox.router import MAX_BODY_BYTES, Router


class SandboxServer:
    """Serves sandboxes from a background thread.

    Args:
        sandboxes: the providers' sandboxes; their slugs are the path prefixes.
        host: address to listen on.
        port: port to listen on, 0 for a free one. A stopped server that is started again keeps its port.
        max_body_bytes: longest request body that a provider's API takes; longer ones get a 413.
    """

    def __init__(
        self,
        sandboxes: Iterable[ProviderSandbox],
        host: str = "127.0.0.1",
        port: int = 0,
        *,
        max_body_bytes: int = MAX_BODY_BYTES,
    ) -> None:
        self.mounts = {sandbox.slug: Mount(sandbox) for sandbox in sandboxes}
        self.host = host
        self.port = port
        self.max_body_bytes = max_body_bytes
        self._listener: Listener | None = None
        self._thread: threading.Thread | None = None

    @property
    def url(self) -> str:
        """The server's address without a trailing slash; raises RuntimeError before ``start``."""
        if not self.port:
            raise RuntimeError("The sandbox server has no port before it is started.")
        return f"http://{self.host}:{self.port}"

    def url_for(self, slug: str) -> str:
        """Return the base URL of one provider; raises KeyError for an unknown slug."""
        return f"{self.url}/{self.mounts[slug].sandbox.slug}"

    def start(self) -> Self:
        """Listen and serve; raises OSError when the port is taken."""
        if self._listener is not None:
            raise RuntimeError("The sandbox server runs already.")
        self._listener = Listener((self.host, self.port), Router(self.mounts, self.max_body_bytes))
        self.port = self._listener.server_port
        self._thread = threading.Thread(
            target=self._listener.serve_forever, kwargs={"poll_interval": 0.02}, name="sandbox", daemon=True
        )
        self._thread.start()
        return self

    def stop(self) -> None:
        """Stop listening and cut every connection; harmless when not running."""
        if self._listener is None or self._thread is None:
            return
        self._listener.stopping.set()
        self._listener.shutdown()
        self._thread.join()
        self._listener.server_close()
        self._listener.cut_connections()
        self._listener = self._thread = None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
