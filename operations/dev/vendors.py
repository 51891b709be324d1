"""The sandbox as a child process, and what people in the field would do to its data."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import requests

from operations.dev.processes import Child, ChildDied, Children, manage
from operations.dev.surroundings import child_environment, free_port

T = TypeVar("T")

START_SECONDS = 60.0
CIRCUITS_PER_SECOND = 200
CONTROL_SECONDS = 60.0
POLL_SECONDS = 0.05


class Sandbox:
    """The simulator of every vendor's API, running as a child; `url` is where it listens."""

    def __init__(self, child: Child, port: int) -> None:
        self.child = child
        self.port = port
        self.url = f"http://127.0.0.1:{port}"

    @classmethod
    def start(cls, children: Children, port_file: Path, *, circuits: int, port: int = 0) -> Sandbox:
        """Start it with generated data on `port`, or on a free one, and wait until it listens.

        Raises ChildDied or TimeoutError when it does not. A restart listens on the same port.
        """
        wanted = str(free_port(port) if port else 0)
        port_file.unlink(missing_ok=True)
        options = ["--port", wanted, "--port-file", str(port_file), "--seed", "--circuits", str(circuits)]
        child = children.start("sandbox", manage("sandbox", *options), child_environment({}))
        seconds = START_SECONDS + circuits / CIRCUITS_PER_SECOND
        listening = wait_until(lambda: _read_port(port_file), child, seconds)
        child.command[child.command.index("--port") + 1] = str(listening)
        return cls(child, listening)

    def touch_circuits(self, percent: float) -> int:
        """Edit this share of the circuits as people in the field do; returns how many were edited."""
        return int(self.control("workstudio", "touch", {"percent": percent})["touched"])

    def seed(self, circuits: int) -> None:
        """Start again with newly generated data, as after a start."""
        self.control("workstudio", "seed", {"circuits": circuits})

    def circuits(self) -> int:
        """How many sound circuits it holds in the statuses that are synced."""
        return int(self.control("workstudio", "state")["circuits"])

    def control(self, provider: str, name: str, document: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Make a control call of a provider's sandbox: docs/sandbox.md."""
        method = "GET" if document is None else "POST"
        with requests.Session() as session:
            session.trust_env = False
            url = f"{self.url}/{provider}/_sim/{name}"
            reply = session.request(method, url, json=document, timeout=CONTROL_SECONDS)
            reply.raise_for_status()
            answer: dict[str, Any] = reply.json()
            return answer


def wait_until(found: Callable[[], T | None], child: Child, seconds: float) -> T:
    """Ask `found` until it answers, while `child` runs. Raises ChildDied or TimeoutError."""
    deadline = time.monotonic() + seconds
    while (answer := found()) is None:
        if not child.is_running:
            raise ChildDied(child)
        if time.monotonic() > deadline:
            raise TimeoutError(f"the {child.name} process was not ready after {seconds:.0f} s")
        time.sleep(POLL_SECONDS)
    return answer


def _read_port(path: Path) -> int | None:
    try:
        return int(path.read_text())
    except (FileNotFoundError, ValueError):
        return None
