"""Measuring one process with everything that it starts: seconds, CPU, memory."""

from __future__ import annotations

import os
import resource
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

SAMPLE_SECONDS = 0.02
ROOT = Path(__file__).resolve().parents[2]


class ContenderFailed(Exception):
    """A measured process failed; the text holds the end of what it said."""


@dataclass(frozen=True, slots=True)
class Cost:
    """What a process tree took. `peak_mb` is the largest sum of its proportional set sizes, sampled."""

    seconds: float
    cpu_seconds: float
    peak_mb: float
    output: str


def run(command: Sequence[str], environ: Mapping[str, str], timeout: float = 900) -> Cost:
    """Run a command to its end and say what it took. Raises ContenderFailed."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    started = time.perf_counter()
    process = subprocess.Popen(
        command,
        cwd=ROOT,
        env={**os.environ, **environ},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    watcher = _Watcher(process.pid)
    watcher.start()
    try:
        output, errors = process.communicate(timeout=timeout)
    except subprocess.TimeoutExpired:
        process.kill()
        raise ContenderFailed(f"{' '.join(command[:4])} took more than {timeout:.0f} s") from None
    finally:
        watcher.stop()
    seconds = time.perf_counter() - started
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if process.returncode:
        raise ContenderFailed(f"{' '.join(command[:4])} failed:\n{errors[-3000:]}")
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Cost(seconds, cpu, watcher.peak / 1e6, output)


class _Watcher(threading.Thread):
    """Adds up the memory of a process and its descendants, again and again."""

    def __init__(self, pid: int) -> None:
        super().__init__(daemon=True)
        self._pid = pid
        self._over = threading.Event()
        self.peak = 0.0

    def run(self) -> None:
        """Sample until told to stop."""
        try:
            root = psutil.Process(self._pid)
            while not self._over.wait(SAMPLE_SECONDS):
                tree = [root, *root.children(recursive=True)]
                self.peak = max(self.peak, sum(_memory(process, alone=len(tree) == 1) for process in tree))
        except psutil.NoSuchProcess:
            return

    def stop(self) -> None:
        """Sample no more."""
        self._over.set()
        self.join()


def _memory(process: psutil.Process, *, alone: bool) -> float:
    """Resident bytes; the proportional share where several processes share pages."""
    try:
        if alone:
            return float(process.memory_info().rss)
        return float(process.memory_full_info().pss)
    except (psutil.NoSuchProcess, psutil.AccessDenied):
        return 0.0
