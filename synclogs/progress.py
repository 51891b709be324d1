"""Telling whoever waits how far a run has come."""

from __future__ import annotations

from typing import Protocol

from synclogs.counts import Counts


class Reporter(Protocol):
    """Hears of a run's progress as it happens. Called from the thread that works."""

    def phase(self, text: str) -> None:
        """A new step begins, in a few words."""

    def expect(self, records: int) -> None:
        """So many more records are known to come."""

    def advance(self, counts: Counts) -> None:
        """A batch with these counts is committed."""


class SilentReporter:
    """Reports to nobody: workers' progress is read from the run's row."""

    def phase(self, text: str) -> None:
        """Say nothing."""

    def expect(self, records: int) -> None:
        """Say nothing."""

    def advance(self, counts: Counts) -> None:
        """Say nothing."""
