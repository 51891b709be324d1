"""Real processes of this project on the test's database: `manage.py` with its own broker and short leases."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar
from urllib.parse import quote

import psutil
import redis
from django.db import connection

ROOT = Path(__file__).resolve().parent.parent.parent
LEASE_SECONDS = 2.0
HEARTBEAT_SECONDS = 3.0
GRACE_SECONDS = 8.0
T = TypeVar("T")
CLAIM = "syncplatform:tests:claimed"


def database_url() -> str:
    """The URL of the database that this test uses."""
    config = connection.settings_dict
    if connection.vendor == "sqlite":
        return f"sqlite:///{config['NAME']}"
    password = f":{quote(config['PASSWORD'], safe='')}" if config["PASSWORD"] else ""
    return f"postgres://{config['USER']}{password}@{config['HOST']}:{config['PORT'] or 5432}/{config['NAME']}"


class Workers:
    """One `run_workers` with everything below it, as processes that can be looked at and killed."""

    def __init__(self, command: list[str], environ: dict[str, str], log: Path) -> None:
        self.log = log
        with log.open("ab") as output:
            self.process = subprocess.Popen(
                command, cwd=ROOT, env=environ, stdout=output, stderr=output, start_new_session=True
            )
        self._seen: dict[int, psutil.Process] = {}

    def everyone(self) -> list[psutil.Process]:
        """The supervisor and every process below it that lives now."""
        with contextlib.suppress(psutil.NoSuchProcess):
            supervisor = psutil.Process(self.process.pid)
            for process in (supervisor, *supervisor.children(recursive=True)):
                self._seen[process.pid] = process
        return [process for process in self._seen.values() if _lives(process)]

    def main(self) -> psutil.Process:
        """The cluster's main process."""
        return wait_for(lambda: _only_child(psutil.Process(self.process.pid)), 15)

    def sentinel(self) -> psutil.Process:
        """The cluster's sentinel."""
        return wait_for(lambda: _only_child(self.main()), 15)

    def children(self, role: str) -> list[psutil.Process]:
        """The sentinel's children of one role: `worker`, `monitor` or `pusher`, by their process title."""

        def found() -> list[psutil.Process]:
            self.everyone()
            matching = [child for child in self.sentinel().children() if _role(child) == role]
            return matching

        return wait_for(found, 15)

    def wait_ready(self) -> None:
        """Waits until the whole cluster runs."""
        for role in ("worker", "monitor", "pusher"):
            self.children(role)

    def stop(self, seconds: float = GRACE_SECONDS + 5) -> float:
        """SIGTERM, and how many seconds it took to end. Raises TimeoutError when it took too long."""
        self.everyone()
        started = time.monotonic()
        self.process.terminate()
        try:
            self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            raise TimeoutError(f"not stopped after {seconds} s:\n{self.tail()}") from None
        return time.monotonic() - started

    def kill_everyone(self) -> None:
        """kill -9 of the supervisor and everything below it, at once."""
        for process in self.everyone():
            with contextlib.suppress(psutil.NoSuchProcess):
                process.send_signal(signal.SIGKILL)
        self.process.wait(10)

    def left_behind(self) -> list[psutil.Process]:
        """What of it still lives a moment after it ended."""
        self.process.wait(10)
        with contextlib.suppress(TimeoutError):
            wait_for(lambda: not self.everyone(), 3)
        return self.everyone()

    def tail(self) -> str:
        """The end of what it logged."""
        return self.log.read_text(errors="replace")[-6000:]


class Installation:
    """Starts this project's commands with one broker on the test's database."""

    def __init__(self, broker: str, directory: Path, **environ: str) -> None:
        self.broker = broker
        self._directory = directory
        self._started: list[Workers] = []
        self.environ = {
            **{name: value for name, value in os.environ.items() if not name.startswith("PYTEST")},
            "DJANGO_SETTINGS_MODULE": "tests.faults.settings",
            "SYNCPLATFORM_ENV_FILE": "none",
            "DATABASE_URL": database_url(),
            "QUEUE_BROKER": broker,
            "QUEUE_WORKERS": "2",
            "QUEUE_WORKERS_FETCH": "2",
            "JOB_LEASE_SECONDS": str(LEASE_SECONDS),
            "JOB_HEARTBEAT_SECONDS": str(HEARTBEAT_SECONDS),
            "JOB_STOP_GRACE_SECONDS": str(GRACE_SECONDS),
            "HTTP_ALLOW_LOOPBACK": "true",
            "LOG_LEVEL": "INFO",
            **environ,
        }

    def start_workers(self) -> Workers:
        """`manage.py run_workers` in the background, as one cluster with two workers on either broker."""
        log = self._directory / f"workers-{len(self._started)}.log"
        command = [sys.executable, "manage.py", "run_workers"]
        command += [] if self.broker == "orm" else ["--queue", "fetch"]
        workers = Workers(command, self.environ, log)
        self._started.append(workers)
        return workers

    def popen(self, *arguments: str, **environ: str) -> subprocess.Popen[str]:
        """Any other command in the background, with its output piped."""
        return subprocess.Popen(
            [sys.executable, "manage.py", *arguments],
            cwd=ROOT,
            env={**self.environ, **environ},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def wipe_broker(self) -> None:
        """Empties what the broker carries, as if it had lost everything."""
        if self.broker == "orm":
            with connection.cursor() as cursor:
                cursor.execute("DELETE FROM django_q_ormq")
            return
        with redis.Redis.from_url(self.environ["REDIS_URL"]) as client:
            claimed = client.get(CLAIM)
            client.flushdb()
            if claimed is not None:
                client.set(CLAIM, claimed, ex=3600)

    def end(self) -> None:
        """Kills whatever a test left running."""
        for workers in self._started:
            for process in workers.everyone():
                with contextlib.suppress(psutil.NoSuchProcess):
                    process.kill()
            with contextlib.suppress(subprocess.TimeoutExpired):
                workers.process.wait(10)
        if self.broker == "redis":
            self.wipe_broker()


@contextlib.contextmanager
def installation(broker: str, directory: Path, **environ: str) -> Iterator[Installation]:
    """An installation whose processes end with the block."""
    ours = Installation(broker, directory, **environ)
    try:
        yield ours
    finally:
        ours.end()


def wait_for(found: Callable[[], T], seconds: float) -> T:
    """The first true answer of `found`. Raises TimeoutError after so many seconds."""
    deadline = time.monotonic() + seconds
    while True:
        with contextlib.suppress(psutil.NoSuchProcess, IndexError):
            answer = found()
            if answer:
                return answer
        if time.monotonic() > deadline:
            raise TimeoutError(f"nothing found within {seconds} s")
        time.sleep(0.05)


def _only_child(process: psutil.Process) -> psutil.Process:
    return process.children()[0]


def _lives(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def _role(process: psutil.Process) -> str:
    """What django-q2 calls a child in its process title."""
    title = " ".join(process.cmdline())
    if not title.startswith("qcluster "):
        return ""
    last = title.split()[2]
    return last if last in ("monitor", "pusher") else "worker"
