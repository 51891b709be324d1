"""The demonstration: circuits arrive through the queue, once more, and after some were edited."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from circuits import services
from circuits.models import Circuit
from circuits.statuses import ApiStatus
from operations.dev.narrator import Narrator
from operations.dev.people import create_known_planners
from operations.dev.processes import ChildDied, Children
from operations.dev.surroundings import data_directory, database_name, sandbox_environment, start_workers
from operations.dev.vendors import Sandbox
from operations.dev.watch import LineReporter, SyncFailed, follow
from synclogs.commands.reporters import BarReporter
from synclogs.models import SyncLog
from synclogs.progress import Reporter

DAILY = (ApiStatus.ACTIV,)
WEEKLY = (ApiStatus.QC, ApiStatus.REWRK, ApiStatus.CLOSE)
EDITED_PERCENT = 1.0


class DemoFailed(Exception):
    """The demonstration did not show what it should; the text says why."""


@dataclass(frozen=True, slots=True)
class Sync:
    """One finished run of the demonstration, and the step that it belongs to."""

    step: str
    statuses: tuple[ApiStatus, ...]
    run: SyncLog

    def as_dict(self) -> dict[str, Any]:
        """The run for machines."""
        return {
            **self.run.as_dict(),
            "step": self.step,
            "statuses": [status.value for status in self.statuses],
            "run_id": str(self.run.pk),
        }


@dataclass
class Demo:
    """What the demonstration does; `syncs` holds what was finished so far.

    `seconds` is how long one sync may take; `bar` draws progress on a terminal; `check` is called while it
    waits, and raises ChildDied when one of the children has died.
    """

    narrator: Narrator
    children: Children
    circuits: int
    seconds: float
    bar: bool
    check: Callable[[], None]
    syncs: list[Sync] = field(default_factory=list)
    environ: dict[str, str] = field(default_factory=dict)

    def run(self) -> None:
        """All of it. Raises DemoFailed; `children` are left running."""
        try:
            sandbox = self._start()
            self._sync_all("first run")
            self._sync_all("second run")
            self._say_what_the_second_run_wrote()
            edited = sandbox.touch_circuits(EDITED_PERCENT)
            self.narrator.say(f"{edited:,} circuits were edited at the sandbox ({EDITED_PERCENT:g} %)")
            self._sync_all("third run")
        except (SyncFailed, ChildDied, TimeoutError, OSError) as error:
            raise DemoFailed(str(error)) from error

    def _start(self) -> Sandbox:
        directory = data_directory()
        known = Circuit.objects.count()
        self.narrator.say(f"Database: {database_name()}, {known:,} circuits; logs in {directory / 'log'}")
        sandbox = Sandbox.start(self.children, directory / "log" / "sandbox.port", circuits=self.circuits)
        self.narrator.say(f"Sandbox: WorkStudio with {sandbox.circuits():,} circuits at {sandbox.url}")
        self.environ = sandbox_environment(sandbox.url)
        created = create_known_planners()
        self.narrator.say(f"Users for the planners that the office knows: {created} created")
        start_workers(self.children, self.environ)
        self.narrator.say("Workers: started, as in production, under a supervisor")
        return sandbox

    def _sync_all(self, step: str) -> None:
        for statuses in (DAILY, WEEKLY):
            names = " ".join(status.value for status in statuses)
            job = services.queue_circuit_sync(statuses)
            self.narrator.say(f"{step}: {names} queued as job {str(job.pk)[:8]}")
            with self._reporter(f"{step}: {names}") as reporter:
                run = follow(job, reporter, seconds=self.seconds, check=self.check)
            self.syncs.append(Sync(step, statuses, run))
            self.narrator.say(f"{step}: {names} {describe(run)}")

    @contextlib.contextmanager
    def _reporter(self, phase: str) -> Iterator[Reporter]:
        if not self.bar:
            yield LineReporter(self.narrator)
            return
        reporter = BarReporter("circuits")
        reporter.phase(phase)
        try:
            yield reporter
        finally:
            reporter.close()

    def _say_what_the_second_run_wrote(self) -> None:
        written = written_by(self.syncs[-2:])
        if written:
            raise DemoFailed(f"the second run wrote {written} circuits although nothing had changed.")
        self.narrator.say("The second run wrote no circuit: every one was found unchanged")


def written_by(syncs: Sequence[Sync]) -> int:
    """How many circuits these runs created or changed."""
    return sum(sync.run.records_created + sync.run.records_updated for sync in syncs)


def describe(run: SyncLog) -> str:
    """What became of a run, in one line."""
    counts = run.counts.as_dict()
    parts = ", ".join(f"{value:,} {name}" for name, value in counts.items() if value and name != "processed")
    text = f"{run.get_sync_status_display()} in {run.duration_seconds or 0:.1f} s"
    return f"{text}: {counts['processed']:,} circuits ({parts})" if parts else f"{text}: no circuits"
