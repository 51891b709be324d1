"""A simulated vendor as a process of its own."""

from __future__ import annotations

import json
import subprocess
import urllib.request
from typing import Any


class Vendor:
    """A `manage.py sandbox` process."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        assert process.stdout is not None
        lines = iter(process.stdout.readline, "")
        announced = json.loads(next(line for line in lines if line.startswith("{")))
        provider = announced["providers"]["workstudio"]
        self.environ: dict[str, str] = provider["environment"]
        self._url = provider["url"]

    def ask(self, path: str, body: object = None) -> Any:
        """A call to its control API."""
        data = None if body is None else json.dumps(body).encode()
        with urllib.request.urlopen(f"{self._url}/_sim/{path}", data=data, timeout=30) as reply:
            return json.load(reply)

    def stop(self) -> None:
        """End it."""
        self._process.terminate()
        self._process.wait(10)
