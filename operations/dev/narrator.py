"""Progress in one line each, on stderr, with the seconds since the start."""

from __future__ import annotations

import time
from typing import TextIO

from synclogs.redaction import redact_text


class Narrator:
    """Says what happens; nothing when `quiet`."""

    def __init__(self, stream: TextIO, *, quiet: bool = False) -> None:
        self.stream = stream
        self.quiet = quiet
        self._started = time.monotonic()

    @property
    def seconds(self) -> float:
        """Seconds since the start."""
        return time.monotonic() - self._started

    def say(self, text: str) -> None:
        """One line."""
        if not self.quiet:
            self.stream.write(f"[{self.seconds:5.1f} s] {redact_text(text)}\n")
            self.stream.flush()
