"""Child processes that never outlive us: in sessions of their own, logged to files, stopped in order."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Self

from django.conf import settings

from operations.dev.descendants import adopted_orphans, children
from operations.dev.signals import StopSignals

PR_SET_PDEATHSIG = 1
POLL_SECONDS = 0.05
TAIL_BYTES = 16_384


class ChildDied(Exception):
    """A child ended although it should have kept running."""

    def __init__(self, child: Child) -> None:
        self.child = child
        super().__init__(f"the {child.name} process ended with code {child.exit_code}")


class Child:
    """One child process. `grace` is how many seconds it has to stop by itself once it was asked to."""

    def __init__(
        self, name: str, command: Sequence[str], environ: Mapping[str, str], log: Path, *, grace: float = 10.0
    ) -> None:
        self.name = name
        self.command = list(command)
        self.environ = dict(environ)
        self.log = log
        self.grace = grace
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it. It is told to stop when this process dies, however that happens (Linux)."""
        with self.log.open("ab") as output:
            self._process = subprocess.Popen(  # noqa: S603
                self.command,
                cwd=settings.BASE_DIR,
                env=self.environ,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=_stop_with_parent(),
            )

    @property
    def exit_code(self) -> int | None:
        """How it ended; None while it runs and before it was started."""
        return self._process.poll() if self._process else None

    @property
    def is_running(self) -> bool:
        """Whether it was started and has not ended."""
        return self._process is not None and self._process.poll() is None

    def stop(self, hurry: Callable[[], bool]) -> None:
        """Ask it to stop and wait; kill its session when its grace is over or `hurry` says so."""
        if self._process is None:
            return
        if self.is_running:
            self._process.terminate()
        deadline = time.monotonic() + self.grace
        while self.is_running and time.monotonic() < deadline and not hurry():
            time.sleep(POLL_SECONDS)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def tail(self, lines: int = 15) -> str:
        """The last lines of its log."""
        try:
            with self.log.open("rb") as file:
                file.seek(max(0, self.log.stat().st_size - TAIL_BYTES))
                text = file.read().decode(errors="replace")
        except FileNotFoundError:
            return ""
        return "\n".join(text.splitlines()[-lines:])


class Children:
    """The children of one command, as a context manager: what was started is stopped at the end.

    They stop in the reverse order of their start, so that a job that is being finished still finds its
    vendor; a signal that comes meanwhile only makes it quicker. Their logs are in `directory`, one file each,
    and begin anew.
    """

    def __init__(self, directory: Path, signals: StopSignals) -> None:
        self._directory = directory
        self._signals = signals
        self._children: list[Child] = []
        self._not_ours = children()
        directory.mkdir(parents=True, exist_ok=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._signals.stop_raising()
        with adopted_orphans(spared=self._not_ours):
            for child in reversed(self._children):
                child.stop(self._signals.is_hurried)

    def start(
        self, name: str, command: Sequence[str], environ: Mapping[str, str], *, grace: float = 10.0
    ) -> Child:
        """Start one more child."""
        log = self._directory / f"{name}.log"
        log.write_bytes(b"")
        child = Child(name, command, environ, log, grace=grace)
        self._children.append(child)
        child.start()
        return child

    def all(self) -> Sequence[Child]:
        """Every child, in the order of their start."""
        return tuple(self._children)

    def check(self) -> None:
        """Raise ChildDied when one of them has ended."""
        for child in self._children:
            if not child.is_running:
                raise ChildDied(child)


def manage(*arguments: str) -> list[str]:
    """The command line of one of our management commands, in this Python."""
    return [sys.executable, str(settings.BASE_DIR / "manage.py"), *arguments]


def _stop_with_parent() -> Callable[[], None] | None:
    """What a child calls before its program starts, so that the kernel sends it SIGTERM when we die."""
    if not sys.platform.startswith("linux"):
        return None
    libc, parent = ctypes.CDLL(None), os.getpid()

    def ask_the_kernel() -> None:
        libc.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != parent:
            os._exit(1)

    return ask_the_kernel
