"""Waiting for a job that a worker runs, with its progress."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import fields

from operations.dev.narrator import Narrator
from synclogs.commands.base import join_sentences
from synclogs.counts import Counts
from synclogs.models import Job, JobStatus, SyncLog
from synclogs.progress import Reporter

POLL_SECONDS = 0.2
SAY_EVERY_SECONDS = 3.0


class SyncFailed(Exception):
    """A sync did not end well or not in time; the text says why and what to do."""


class LineReporter:
    """A line every few seconds, for where there is no terminal."""

    def __init__(self, narrator: Narrator, noun: str) -> None:
        self._narrator = narrator
        self._noun = noun
        self._expected = 0
        self._done = 0
        self._said_at = time.monotonic()

    def phase(self, text: str) -> None:
        """The step is part of the narration already."""

    def expect(self, records: int) -> None:
        """Count what is to come."""
        self._expected += records

    def advance(self, counts: Counts) -> None:
        """Say how far it is, every three seconds."""
        self._done += counts.processed
        if time.monotonic() - self._said_at >= SAY_EVERY_SECONDS:
            self._said_at = time.monotonic()
            known = f"{self._done:,} of {self._expected:,} {self._noun}"
            self._narrator.say(f"  {known if self._expected else f'{self._done:,} {self._noun} so far'}")


class RunProgress:
    """Turns what a run's row says, read again and again, into steps for a reporter."""

    def __init__(self, reporter: Reporter) -> None:
        self._reporter = reporter
        self._expected = 0
        self._counts = Counts()

    def show(self, run: SyncLog) -> None:
        """Report what is new since the last look."""
        expected, counts = run.records_expected or 0, run.counts
        if expected > self._expected:
            self._reporter.expect(expected - self._expected)
            self._expected = expected
        new = {f.name: getattr(counts, f.name) - getattr(self._counts, f.name) for f in fields(Counts)}
        self._reporter.advance(Counts(**new))
        self._counts = counts


def follow(job: Job, reporter: Reporter, *, seconds: float, check: Callable[[], None]) -> SyncLog:
    """Wait until `job` and its run have ended, and return the run; `check` is called meanwhile and may raise.

    Raises SyncFailed when the job failed, was cancelled, or has not ended after so many `seconds`.
    """
    deadline = time.monotonic() + seconds
    progress = RunProgress(reporter)
    while True:
        check()
        job.refresh_from_db()
        run = SyncLog.objects.filter(job=job).order_by("-started_at").first()
        if run is not None:
            progress.show(run)
        if not job.is_open and not _goes_on(job, run):
            break
        if time.monotonic() > deadline:
            waits = f": {job.wait_reason}" if job.wait_reason else ""
            raise SyncFailed(f"job {job} did not end within {seconds:g} s; it is {job.status}{waits}.")
        time.sleep(POLL_SECONDS)
    if job.status != JobStatus.SUCCEEDED or run is None:
        raise SyncFailed(_reason(job))
    return run


def _goes_on(job: Job, run: SyncLog | None) -> bool:
    """Whether what the job fetched is still being processed, by jobs of their own."""
    return job.status == JobStatus.SUCCEEDED and run is not None and run.is_open


def _reason(job: Job) -> str:
    last = job.tries.order_by("-number").first()
    advice = last.actionable_message if last else ""
    return join_sentences(f"job {job} {job.get_status_display()}: {job.error_message}", advice)
