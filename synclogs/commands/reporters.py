"""Progress of a run in the foreground: a bar on a terminal, log lines without one."""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tqdm import tqdm

from synclogs.counts import Counts
from synclogs.progress import Reporter, SilentReporter

logger = logging.getLogger("syncplatform.progress")

LOG_EVERY_SECONDS = 5.0


class BarReporter:
    """A bar on stderr."""

    def __init__(self, unit: str) -> None:
        self._bar: Any = tqdm(total=0, unit=f" {unit}", file=sys.stderr, dynamic_ncols=True, leave=False)
        self._counts = Counts()

    def phase(self, text: str) -> None:
        """Show the step in front of the bar."""
        self._bar.set_description_str(text)

    def expect(self, records: int) -> None:
        """Make the bar longer."""
        self._bar.total += records
        self._bar.refresh()

    def advance(self, counts: Counts) -> None:
        """Move the bar."""
        self._counts += counts
        postfix = {
            name: value for name, value in self._counts.as_dict().items() if value and name != "processed"
        }
        self._bar.set_postfix(postfix, refresh=False)
        self._bar.update(counts.processed)

    def close(self) -> None:
        """Take the bar away."""
        self._bar.close()


class LogReporter:
    """A log line now and then, for where there is no terminal."""

    def __init__(self, unit: str) -> None:
        self._unit = unit
        self._expected = 0
        self._done = 0
        self._logged_at = time.monotonic()

    def phase(self, text: str) -> None:
        """Log the step."""
        logger.info("%s", text)

    def expect(self, records: int) -> None:
        """Count what is to come."""
        self._expected += records

    def advance(self, counts: Counts) -> None:
        """Log how far it is, at most every five seconds."""
        self._done += counts.processed
        if time.monotonic() - self._logged_at >= LOG_EVERY_SECONDS:
            self._logged_at = time.monotonic()
            logger.info("%d of %d %s", self._done, self._expected, self._unit)

    def close(self) -> None:
        """Nothing to take away."""


@contextmanager
def reporter_for(unit: str, *, quiet: bool, as_json: bool) -> Iterator[Reporter]:
    """The reporter that suits where stderr goes: nobody, a terminal or a log."""
    if quiet:
        yield SilentReporter()
        return
    bar = sys.stderr.isatty() and not as_json
    reporter = BarReporter(unit) if bar else LogReporter(unit)
    try:
        yield reporter
    finally:
        reporter.close()
