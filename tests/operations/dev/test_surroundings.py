"""What `manage.py dev` finds around it: environment, ports, locks, signals, child processes."""

import os
import signal
import socket
import sys
import time
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone
from pytest_django import Settings

from integrations.jobs.process import owner_id
from operations.dev.lock import AlreadyInUse, exclusive, refuse_other_workers
from operations.dev.processes import Child, ChildDied, Children
from operations.dev.signals import StopRequested, StopSignals
from operations.dev.surroundings import (
    child_environment,
    free_port,
    sandbox_environment,
    typed_command,
)
from synclogs.commands.tables import table
from synclogs.models import WorkerHeartbeat


@pytest.mark.django_db
@pytest.mark.parametrize("environment", ["qa", "production"])
@pytest.mark.parametrize("action", ["demo", "serve"])
def test_dev_runs_in_development_only(settings: Settings, environment: str, action: str) -> None:
    settings.ENVIRONMENT = environment

    with pytest.raises(CommandError, match="development only") as refused:
        call_command("dev", action)

    assert refused.value.returncode == 2


@pytest.mark.django_db
def test_keep_and_json_exclude_each_other() -> None:
    with pytest.raises(CommandError, match="exclude each other"):
        call_command("dev", "demo", "--keep", "--json")


def test_the_sandbox_gets_every_host_and_the_credentials() -> None:
    environ = sandbox_environment("http://127.0.0.1:1234")

    assert environ["WORKSTUDIO_API_URL"] == "http://127.0.0.1:1234/workstudio/DDOProtocol/"
    assert environ["WORKSTUDIO_USERNAME"]
    assert environ["WORKSTUDIO_PASSWORD"]


def test_children_do_not_inherit_what_is_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORKSTUDIO_PASSWORD_FILE", "somewhere")
    monkeypatch.setenv("UNRELATED", "kept")

    environ = child_environment({"WORKSTUDIO_PASSWORD": "of the sandbox"})

    assert "WORKSTUDIO_PASSWORD_FILE" not in environ
    assert environ["UNRELATED"] == "kept"
    assert environ["WORKSTUDIO_PASSWORD"] == "of the sandbox"


def test_a_typed_command_names_only_what_differs(settings: Settings) -> None:
    settings.WORKSTUDIO_API_URL = "http://127.0.0.1:8801/workstudio/ddoprotocol"
    settings.WORKSTUDIO_USERNAME = ""
    environ = {
        "WORKSTUDIO_API_URL": "http://127.0.0.1:8801/workstudio/DDOProtocol/",
        "WORKSTUDIO_USERNAME": "TREECO\\svc",
    }

    typed = typed_command(environ, "sync_circuits")

    assert typed.startswith("WORKSTUDIO_USERNAME='TREECO\\svc' ")
    assert typed.endswith("manage.py sync_circuits")


def test_a_taken_port_is_replaced() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert free_port(port) != port


def test_the_lock_names_its_holder(tmp_path: Path) -> None:
    path = tmp_path / "dev.lock"
    with (
        exclusive(path, "manage.py dev serve"),
        pytest.raises(AlreadyInUse, match=rf"`manage.py dev serve` \(process {os.getpid()}\)"),
        exclusive(path, "manage.py dev demo"),
    ):
        pass
    with exclusive(path, "manage.py dev demo"):
        pass


@pytest.mark.django_db
def test_workers_of_others_are_noticed_while_they_live() -> None:
    now = timezone.now()
    gone = owner_id().rpartition(":")[0] + ":1"
    row = WorkerHeartbeat.objects.create(supervisor=gone, queue="all", workers=2, started_at=now, beat_at=now)
    refuse_other_workers()

    WorkerHeartbeat.objects.filter(pk=row.pk).update(supervisor=owner_id())
    with pytest.raises(AlreadyInUse, match=f"process {os.getpid()}"):
        refuse_other_workers()


def test_the_first_signal_raises_and_the_second_means_hurry() -> None:
    with StopSignals() as signals:
        with pytest.raises(StopRequested, match="SIGTERM") as stop:
            signal.raise_signal(signal.SIGTERM)
        signal.raise_signal(signal.SIGINT)
        assert signals.is_hurried()
    assert stop.value.exit_code == 143


def test_a_child_that_does_not_stop_is_killed(tmp_path: Path) -> None:
    stubborn = "import signal, time; signal.signal(15, signal.SIG_IGN); print('deaf'); time.sleep(60)"
    with StopSignals() as signals, Children(tmp_path, signals) as children:
        child = children.start("stubborn", [sys.executable, "-uc", stubborn], os.environ, grace=0.2)
        while "deaf" not in child.tail():
            time.sleep(0.02)
    assert child.exit_code == -signal.SIGKILL


def test_a_child_that_died_is_noticed(tmp_path: Path) -> None:
    with StopSignals() as signals, Children(tmp_path, signals) as children:
        child: Child = children.start("brief", [sys.executable, "-c", "raise SystemExit(3)"], os.environ)
        while child.is_running:
            time.sleep(0.02)
        with pytest.raises(ChildDied, match="brief process ended with code 3"):
            children.check()


def test_a_table_aligns_numbers_to_the_right() -> None:
    text = table(("name", "count"), [("a", 1200), ("long name", 7)])

    assert text.splitlines() == [
        "name       count",
        "---------  -----",
        "a          1,200",
        "long name      7",
    ]
    assert table(("name", "count"), []).splitlines() == ["name  count", "----  -----"]
