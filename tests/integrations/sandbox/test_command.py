"""`manage.py sandbox` and the runner under it."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
import requests
from django.core.management import CommandError, call_command

from integrations.management.commands import sandbox as command
from integrations.sandbox import SandboxServer
from integrations.sandbox.runner import Announcement, RunOptions, run
from tests.integrations.sandbox.conftest import EchoSandbox

SCRIPT = """
import sys
from pathlib import Path
from integrations.sandbox.runner import RunOptions, run
from tests.integrations.sandbox.conftest import EchoSandbox

options = RunOptions(port=0, port_file=Path(sys.argv[1]))
run([EchoSandbox()], options, lambda running: print(running.url, flush=True))
print("stopped", flush=True)
"""


def wait_for(path: Path) -> int:
    """Return the port once the file is there."""
    deadline = time.monotonic() + 10
    while not path.exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    return int(path.read_text())


def running(options: RunOptions, seen: list[Announcement]) -> tuple[threading.Thread, threading.Event]:
    """Run an EchoSandbox in a thread until the event is set."""
    stop = threading.Event()
    thread = threading.Thread(target=run, args=([EchoSandbox()], options, seen.append, stop))
    thread.start()
    return thread, stop


def test_run_seeds_listens_announces_and_writes_the_port(tmp_path: Path) -> None:
    seen: list[Announcement] = []
    file = tmp_path / "port"
    options = RunOptions(port=0, port_file=file, seed_options={"items": 12, "circuits": 5})
    thread, stop = running(options, seen)
    port = wait_for(file)
    url = f"http://127.0.0.1:{port}/echo"
    assert requests.get(f"{url}/hello", timeout=5).json()["number"] == 7
    assert requests.get(f"{url}/_sim/state", timeout=5).json()["items"] == 12
    stop.set()
    thread.join(5)
    assert [path.name for path in tmp_path.iterdir()] == []
    assert seen[0].providers["echo"] == {
        "url": url,
        "environment": {"ECHO_API_URL": url},
        "seed": {"items": 12, "calls": 0},
    }


def test_run_without_seed_leaves_the_sandbox_empty(tmp_path: Path) -> None:
    seen: list[Announcement] = []
    thread, stop = running(RunOptions(port=0, seed=False, port_file=tmp_path / "port"), seen)
    wait_for(tmp_path / "port")
    stop.set()
    thread.join(5)
    assert seen[0].providers["echo"]["seed"] == {}


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_signal_ends_the_process_with_exit_code_0(tmp_path: Path, number: signal.Signals) -> None:
    file = tmp_path / "port"
    process = subprocess.Popen(
        [sys.executable, "-c", SCRIPT, str(file)],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])},
    )
    port = wait_for(file)
    assert requests.get(f"http://127.0.0.1:{port}/echo/hello", timeout=5).status_code == 200
    process.send_signal(number)
    output, _ = process.communicate(timeout=10)
    assert process.returncode == 0
    assert output == f"http://127.0.0.1:{port}\nstopped\n"
    assert not file.exists()


def call(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> str:
    """Run the command with an EchoSandbox; it stops as soon as it has announced itself."""

    def run_and_stop(sandboxes: Any, options: RunOptions, announce: Any) -> None:
        stop = threading.Event()
        stop.set()
        run(sandboxes, options, announce, stop)

    monkeypatch.setattr(command, "registered_sandboxes", lambda: [EchoSandbox()])
    monkeypatch.setattr(command, "run", run_and_stop)
    output = StringIO()
    call_command("sandbox", "--port", "0", *arguments, stdout=output)
    return output.getvalue()


def test_command_prints_a_line_per_provider(monkeypatch: pytest.MonkeyPatch) -> None:
    line = call(monkeypatch)
    url = line.split()[1]
    assert url.startswith("http://127.0.0.1:")
    assert line == f"echo: {url}  set ECHO_API_URL={url}\n"


def test_command_prints_one_json_object(monkeypatch: pytest.MonkeyPatch) -> None:
    document = json.loads(call(monkeypatch, "--json", "--no-seed"))
    assert document["providers"]["echo"]["environment"] == {"ECHO_API_URL": f"{document['url']}/echo"}


def test_command_refuses_production(settings: Any) -> None:
    settings.ENVIRONMENT = "production"
    with pytest.raises(CommandError, match="does not run in production"):
        call_command("sandbox")


def test_command_reports_a_taken_port(monkeypatch: pytest.MonkeyPatch) -> None:
    with SandboxServer([EchoSandbox()]) as server, pytest.raises(CommandError) as caught:
        call(monkeypatch, "--port", str(server.port))
    assert f"cannot run on 127.0.0.1:{server.port}" in str(caught.value)


def test_command_reports_a_port_file_that_cannot_be_written(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with pytest.raises(CommandError, match="No such file"):
        call(monkeypatch, "--port-file", str(tmp_path / "nowhere" / "port"))


def test_help_explains_the_options(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        call_command("sandbox", "--help")
    text = capsys.readouterr().out
    for option in ("--host", "--port", "--seed", "--no-seed", "--circuits", "--port-file", "--json"):
        assert option in text
    assert "8801" in text
