"""How a provider shows itself in `manage.py dev`: what is synced from its sandbox, and edited there."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from synclogs.models import Job


@dataclass(frozen=True, slots=True)
class Demonstration:
    """A load, an idle run and an update of one provider, in development only.

    `prepare` makes the connections to the sandbox where there are none and says what there is now; `is_new`
    whether nothing was synced yet; `start` queues a sync of each; `edit` is the control call of the sandbox
    (its name and JSON body) that changes some records; `noun` is what the records are called.
    """

    noun: str
    prepare: Callable[[], str]
    is_new: Callable[[], bool]
    start: Callable[[], Sequence[Job]]
    edit: tuple[str, Mapping[str, Any]]
