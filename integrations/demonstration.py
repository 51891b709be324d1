"""How a provider shows itself in `manage.py dev`: what is synced from its sandbox, and edited there."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from synclogs.models import Job

Control = Callable[[str, Mapping[str, Any]], dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Demonstration:
    """A load, an idle run and an update of one provider, in development only.

    `prepare` makes the connections to the sandbox where there are none and says what there is now; `is_new`
    whether nothing was synced yet; `start` queues a sync of each, or `push` lets a vendor that sends deliver
    what its sandbox holds (it gets a function that makes control calls, by name and JSON body); `edit` is the
    control call that changes some records; `noun` is what the records are called.
    """

    noun: str
    prepare: Callable[[], str]
    is_new: Callable[[], bool]
    edit: tuple[str, Mapping[str, Any]]
    start: Callable[[], Sequence[Job]] = tuple
    push: Callable[[Control], Sequence[Job]] | None = None

    def sync(self, control: Control) -> Sequence[Job]:
        """Queue what there is; returns the jobs."""
        return self.start() if self.push is None else self.push(control)
