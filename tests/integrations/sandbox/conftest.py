"""A small provider to break, served over real HTTP."""

import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import requests

from integrations.sandbox import ProviderSandbox, SandboxError, SandboxRequest, SandboxResponse, SandboxServer

GREETING = {"text": "hello", "number": 7, "list": [1, "two"]}


class EchoSandbox(ProviderSandbox):
    """Answers /hello, /big and /boom, and echoes everything else."""

    slug = "echo"
    seed_options = {"items": "how many items"}
    control_paths = {"POST shout": "answer in capitals"}

    def __init__(self) -> None:
        super().__init__()
        self.reset()

    def reset(self) -> None:
        self.items = 0
        self.calls = 0

    def seed(self, **options: Any) -> dict[str, Any]:
        if options.get("items", 0) < 0:
            raise SandboxError("items must not be negative.")
        self.items = options.get("items", 3)
        return self.state()

    def state(self) -> dict[str, Any]:
        return {"items": self.items, "calls": self.calls}

    def handle(self, request: SandboxRequest) -> SandboxResponse:
        with self.lock:
            self.calls += 1
        if request.path == "/hello":
            return SandboxResponse.json(GREETING)
        if request.path == "/big":
            return SandboxResponse(200, {"Content-Type": "text/plain"}, b"x" * 300_000)
        if request.path == "/boom":
            raise ValueError("boom")
        text = {
            "method": request.method,
            "path": request.path,
            "query": request.query,
            "body": request.body.decode(),
        }
        return SandboxResponse.json(text)

    def control(self, request: SandboxRequest) -> SandboxResponse | None:
        if (request.method, request.path) != ("POST", "/shout"):
            return None
        return SandboxResponse.json({"text": request.json_object()["text"].upper()})

    def describe(self, request: SandboxRequest) -> dict[str, Any]:
        return {"length": len(request.body)}

    def auth_state(self, request: SandboxRequest) -> str:
        return "valid" if request.header("Authorization") else "missing"


class Echo:
    """The server's URLs and short ways to use them."""

    def __init__(self, server: SandboxServer) -> None:
        self.server = server
        self.url = server.url_for("echo")
        self.sandbox = server.mounts["echo"].sandbox

    def get(self, path: str = "/hello", **kwargs: Any) -> requests.Response:
        """Call the simulated API."""
        return requests.get(self.url + path, timeout=5, **kwargs)

    def sim(self, method: str, path: str, **kwargs: Any) -> requests.Response:
        """Call the control API."""
        return requests.request(method, f"{self.url}/_sim/{path}", timeout=5, **kwargs)

    def fault(self, kind: str, **params: Any) -> dict[str, Any]:
        """Queue one fault."""
        reply = self.sim("POST", "faults", json={"kind": kind, **params})
        assert reply.status_code == 201, reply.text
        return reply.json()["faults"][0]

    def entries(self) -> list[dict[str, Any]]:
        """Return the journal."""
        return self.sim("GET", "journal").json()["entries"]

    @staticmethod
    def wait_until(condition: Callable[[], bool]) -> None:
        """Wait until something is so, at most five seconds."""
        deadline = time.monotonic() + 5
        while not condition():
            assert time.monotonic() < deadline, "it never came true"
            time.sleep(0.02)


@pytest.fixture
def echo() -> Iterator[Echo]:
    """A served EchoSandbox; its threads must be gone afterwards."""
    before = set(threading.enumerate())
    with SandboxServer([EchoSandbox()]) as server:
        yield Echo(server)
    assert not [thread for thread in set(threading.enumerate()) - before if thread.name == "sandbox"]
