"""The demonstration: records arrive through the queue, once more, and after some were edited."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from circuits import services
from circuits.models import Circuit
from circuits.statuses import ApiStatus
from integrations.demonstration import Control, Demonstration
from integrations.registry import Provider, all_providers
from operations.dev.narrator import Narrator
from operations.dev.people import create_known_planners
from operations.dev.processes import ChildDied, Children
from operations.dev.surroundings import data_directory, database_name, sandbox_environment, start_workers
from operations.dev.vendors import Sandbox
from operations.dev.watch import LineReporter, SyncFailed, follow
from synclogs.commands.reporters import BarReporter
from synclogs.models import Job, SyncLog
from synclogs.progress import Reporter

DAILY = (ApiStatus.ACTIV,)
WEEKLY = (ApiStatus.QC, ApiStatus.REWRK, ApiStatus.CLOSE)
EDITED_PERCENT = 1.0
FIRST, SECOND, THIRD = "first run", "second run", "third run"


class DemoFailed(Exception):
    """The demonstration did not show what it should; the text says why."""


@dataclass(frozen=True, slots=True)
class Sync:
    """One finished run of the demonstration, the step that it belongs to, and what it was of."""

    step: str
    of: str
    run: SyncLog

    def as_dict(self) -> dict[str, Any]:
        """The run for machines."""
        return {
            **self.run.as_dict(),
            "step": self.step,
            "provider": self.run.provider,
            "of": self.of,
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
            self._show_circuits(sandbox)
            for provider in all_providers():
                if provider.demonstration is not None:
                    self._show(provider, provider.demonstration(), sandbox)
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

    def _show_circuits(self, sandbox: Sandbox) -> None:
        self._sync_circuits(FIRST)
        self._sync_circuits(SECOND)
        self._say_what_was_written(self.syncs[-2:], "circuits")
        edited = sandbox.touch_circuits(EDITED_PERCENT)
        self.narrator.say(f"{edited:,} circuits were edited at the sandbox ({EDITED_PERCENT:g} %)")
        self._sync_circuits(THIRD)

    def _sync_circuits(self, step: str) -> None:
        for statuses in (DAILY, WEEKLY):
            names = " ".join(status.value for status in statuses)
            self._follow(step, names, services.queue_circuit_sync(statuses), "circuits")

    def _show(self, provider: Provider, demonstration: Demonstration, sandbox: Sandbox) -> None:
        """The same three runs for another provider, as it declares them."""
        noun = demonstration.noun
        self.narrator.say(f"{provider.label}: {demonstration.prepare()}")
        control = partial(sandbox.control, provider.slug)
        self._sync(FIRST, demonstration, control)
        jobs = self._sync(SECOND, demonstration, control)
        self._say_what_was_written(self.syncs[-jobs:], noun)
        sandbox.control(provider.slug, *demonstration.edit)
        self.narrator.say(f"{provider.label}: some {noun} were edited at the sandbox")
        self._sync(THIRD, demonstration, control)

    def _sync(self, step: str, demonstration: Demonstration, control: Control) -> int:
        """Queue and follow one round; returns how many jobs it had."""
        jobs = demonstration.sync(control)
        for job in jobs:
            self._follow(step, str(job.integration or "a delivery"), job, demonstration.noun)
        return len(jobs)

    def _follow(self, step: str, of: str, job: Job, noun: str) -> None:
        self.narrator.say(f"{step}: {of} queued as job {str(job.pk)[:8]}")
        with self._reporter(f"{step}: {of}", noun) as reporter:
            run = follow(job, reporter, seconds=self.seconds, check=self.check)
        self.syncs.append(Sync(step, of, run))
        self.narrator.say(f"{step}: {of} {describe(run, noun)}")

    @contextlib.contextmanager
    def _reporter(self, phase: str, noun: str) -> Iterator[Reporter]:
        if not self.bar:
            yield LineReporter(self.narrator, noun)
            return
        reporter = BarReporter(noun)
        reporter.phase(phase)
        try:
            yield reporter
        finally:
            reporter.close()

    def _say_what_was_written(self, syncs: Sequence[Sync], noun: str) -> None:
        written = written_by(syncs)
        if written:
            raise DemoFailed(f"the second run wrote {written} {noun} although nothing had changed.")
        self.narrator.say(f"The second run wrote none of the {noun}: every one was found unchanged")


def written_by(syncs: Sequence[Sync]) -> int:
    """How many records these runs created or changed."""
    return sum(sync.run.records_created + sync.run.records_updated for sync in syncs)


def describe(run: SyncLog, noun: str) -> str:
    """What became of a run, in one line."""
    counts = run.counts.as_dict()
    parts = ", ".join(f"{value:,} {name}" for name, value in counts.items() if value and name != "processed")
    text = f"{run.get_sync_status_display()} in {run.duration_seconds or 0:.1f} s"
    return f"{text}: {counts['processed']:,} {noun} ({parts})" if parts else f"{text}: no {noun}"
