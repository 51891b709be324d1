"""`manage.py dev` as a real process, with a database and files of its own."""

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import pytest

from syncplatform.env import BASE_DIR, VARIABLES

PATIENCE_SECONDS = 60.0


def development(directory: Path) -> dict[str, str]:
    """The environment of a fresh checkout whose database is in `directory`."""
    ours = {name for variable in VARIABLES for name in (variable.name, f"{variable.name}_FILE")}
    inherited = {name: value for name, value in os.environ.items() if name not in ours}
    database = f"sqlite:///{directory / 'db.sqlite3'}"
    return {**inherited, "SYNCPLATFORM_ENV_FILE": "none", "DATABASE_URL": database}


def manage(*arguments: str) -> list[str]:
    """The command line of a management command."""
    return [sys.executable, str(BASE_DIR / "manage.py"), *arguments]


@pytest.fixture(scope="session")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated database, to be copied."""
    directory = tmp_path_factory.mktemp("prepared")
    subprocess.run(
        manage("migrate", "--no-input", "--verbosity", "0"), env=development(directory), check=True
    )
    return directory / "db.sqlite3"


@dataclass
class DevProcess:
    """A running `dev` command. Its output is in files, so that it can be read while it runs."""

    process: subprocess.Popen[bytes]
    directory: Path
    family: set[psutil.Process] = field(default_factory=set)

    @property
    def out(self) -> str:
        return (self.directory / "out").read_text()

    @property
    def err(self) -> str:
        return (self.directory / "err").read_text()

    def look(self) -> set[psutil.Process]:
        """The processes below it now, remembered."""
        found = set(psutil.Process(self.process.pid).children(recursive=True))
        self.family |= found
        return found

    def child(self, word: str) -> psutil.Process:
        """Its direct child whose command line has this word."""
        children = psutil.Process(self.process.pid).children()
        return next(child for child in children if word in " ".join(child.cmdline()))

    def wait_for(self, condition: Callable[[], bool]) -> None:
        """Wait until something is true, while the command runs."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not condition():
            assert self.process.poll() is None, f"it ended with {self.process.poll()}: {self.err}"
            assert time.monotonic() < deadline, f"it took too long: {self.err}"
            time.sleep(0.05)

    def end(self, signal_number: int | None = None) -> int:
        """Send a signal, if any, and wait for the end; returns the exit code."""
        if signal_number is not None:
            self.look()
            self.process.send_signal(signal_number)
        return self.process.wait(PATIENCE_SECONDS)

    def left_behind(self) -> list[str]:
        """The processes that were below it and still run."""
        running = (process for process in self.family if process.is_running())
        return [str(process) for process in running if process.status() != psutil.STATUS_ZOMBIE]


@dataclass
class Dev:
    """Runs `dev` commands on one copy of the prepared database."""

    directory: Path
    started: list[DevProcess] = field(default_factory=list)

    def start(self, *arguments: str) -> DevProcess:
        """Start one and return at once."""
        directory = self.directory / f"run-{len(self.started)}"
        directory.mkdir()
        with (directory / "out").open("wb") as out, (directory / "err").open("wb") as err:
            process = subprocess.Popen(
                manage("dev", *arguments), env=development(self.directory), stdout=out, stderr=err
            )
        self.started.append(DevProcess(process, directory))
        return self.started[-1]

    def demo(self) -> dict[str, Any]:
        """Run a small demonstration to its end and return what it printed."""
        running = self.start("demo", "--json", "--circuits", "40")
        assert running.end() == 0, running.err
        result: dict[str, Any] = json.loads(running.out.splitlines()[-1])
        return result


@pytest.fixture
def dev(prepared: Path, tmp_path: Path) -> Iterator[Dev]:
    """Runs `dev` commands, and kills what a failing test leaves behind."""
    shutil.copy(prepared, tmp_path / "db.sqlite3")
    runner = Dev(tmp_path)
    yield runner
    for running in runner.started:
        if running.process.poll() is None:
            running.process.kill()
            running.process.wait()
