"""A receiver of webhooks on this machine, and decisions to alert about."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from pytest_django import Settings

from integrations.alerts import wiring
from integrations.jobs.outcomes import Decision, JobFailed, Next


@dataclass
class Receiver:
    """What was posted, and the status that it answers."""

    url: str = ""
    status: int = 200
    requests: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    found = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            found.requests.append((self.path, dict(self.headers), body))
            self.send_response(found.status)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"ok")

        def log_message(self, *args: Any) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        found.url = f"http://127.0.0.1:{server.server_address[1]}/services/T000/B000/planted-path-secret"
        yield found
        server.shutdown()


@pytest.fixture
def ways(settings: Settings, receiver: Receiver) -> Receiver:
    """Both ways configured."""
    settings.ALERT_EMAILS = ["ops@example.com", "boss@example.com"]
    settings.ALERT_WEBHOOK_URL = receiver.url
    settings.ALERT_WEBHOOK_SECRET = "planted-signing-secret"
    return receiver


@pytest.fixture(autouse=True)
def _connected() -> None:
    wiring.connect()


def failure(message: str = "it broke", code: str = "server_error", **options: Any) -> Decision:
    """A decision that a job has failed for good."""
    return Decision(Next.FAIL, "not retryable", error=JobFailed(message, code=code), code=code, **options)
