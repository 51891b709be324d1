"""The parts of a run: what is done stays done, and what a killed run was in the middle of is repeated."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils import timezone

from synclogs.counts import Counts
from synclogs.issues import IssueBook
from synclogs.models import SyncLog


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a run, such as one status of circuits.

    Every row written in it carries `began_at` as its time of change, which is how a run that takes the part
    up again knows what its killed predecessor wrote. `repeated` says that this is such a run.
    """

    name: str = ""
    began_at: datetime = field(default_factory=timezone.now)
    repeated: bool = False


class Parts:
    """Keeps, in the checkpoint of a run, which parts are done and where the current one began."""

    def __init__(self, run: SyncLog) -> None:
        self._run = run

    @property
    def done(self) -> list[str]:
        """The names of the finished parts, in their order."""
        return list(self._run.checkpoint.get("done", []))

    @property
    def memo(self) -> dict[str, Any]:
        """What the finished parts left for the run's end."""
        return dict(self._run.checkpoint.get("memo", {}))

    def begin(self, name: str, stream: str) -> Part:
        """Begin a part, or take up the one that a killed run was in the middle of.

        What that run counted and noted of the part is taken back, since all of it comes again.
        """
        checkpoint: dict[str, Any] = dict(self._run.checkpoint)
        if checkpoint.get("part") == name:
            with transaction.atomic():
                self._run.reset_counts(Counts.from_results(checkpoint["counts_before"]))
                IssueBook(self._run, stream, name).forget()
            return Part(name, datetime.fromisoformat(checkpoint["began_at"]), repeated=True)
        part = Part(name)
        checkpoint |= {
            "part": name,
            "began_at": part.began_at.isoformat(),
            "counts_before": self._run.counts.as_dict(),
        }
        self._run.note(checkpoint=checkpoint)
        return part

    def end(self, part: Part, memo: dict[str, Any]) -> None:
        """Note that a part is done, and what it and those before it leave for the run's end."""
        self._run.note(checkpoint={"done": [*self.done, part.name], "memo": memo})
