"""The schedules of this installation, as apps and providers declare them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from synclogs.models import Job

TIME_ZONE = "America/New_York"


@dataclass(frozen=True, slots=True)
class Schedule:
    """Work that starts by the clock of New York.

    `cron` has five fields; `start` queues the job of one slot, in the caller's transaction, or returns None
    when there is nothing to do; `note` says in a few words what it does.
    """

    name: str
    cron: str
    start: Callable[[], Job | None]
    note: str


_schedules: dict[str, Schedule] = {}


def declare(*schedules: Schedule) -> None:
    """Make schedules known; called by `provider.py` modules. Raises ValueError for a name that is taken."""
    for schedule in schedules:
        known = _schedules.get(schedule.name)
        if known is not None and known != schedule:
            raise ValueError(f"two schedules are called {schedule.name!r}")
        _schedules[schedule.name] = schedule


def declared_schedules() -> dict[str, Schedule]:
    """Every declared schedule by name, in the order of names."""
    return dict(sorted(_schedules.items()))
