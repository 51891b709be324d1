"""SIGINT, SIGTERM and SIGHUP as one exception, so that whatever was started is stopped on the way out."""

from __future__ import annotations

import signal
from types import FrameType
from typing import Self

STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class StopRequested(BaseException):
    """Somebody asked this process to stop."""

    def __init__(self, number: int) -> None:
        self.number = number
        super().__init__(signal.Signals(number).name)

    @property
    def exit_code(self) -> int:
        """The exit code that shells expect of a process which a signal ended."""
        return 128 + self.number


class StopSignals:
    """Raises StopRequested at the first signal; later ones only set `hurry`, so that cleaning up goes on."""

    def __init__(self) -> None:
        self.hurry = False
        self._stopping = False
        self._before = {number: signal.getsignal(number) for number in STOP_SIGNALS}

    def __enter__(self) -> Self:
        for number, handler in self._before.items():
            if number != signal.SIGHUP or handler != signal.SIG_IGN:  # nohup stays in force
                signal.signal(number, self._heard)
        return self

    def __exit__(self, *exc_info: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def is_hurried(self) -> bool:
        """Whether a second signal came."""
        return self.hurry

    def stop_raising(self) -> None:
        """From here on cleaning up goes on whatever comes; the next signal means hurry."""
        self._stopping = True

    def _heard(self, number: int, frame: FrameType | None) -> None:
        if self._stopping:
            self.hurry = True
            return
        self._stopping = True
        raise StopRequested(number)
