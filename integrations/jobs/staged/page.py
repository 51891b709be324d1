"""What a fetch or hook job hands over: items of one kind, and how far that brings the stream."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from integrations.models import Integration

if TYPE_CHECKING:
    from integrations.jobs.staged.processing import BaseProcessingJob


@dataclass(frozen=True, slots=True)
class CursorMove:
    """Where a stream stands once the page is stored: the paginator's `state`, the latest change seen."""

    stream: str
    state: Mapping[str, Any]
    partition: str = ""
    high_water: datetime | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """Items for one processing class, stored in one transaction with the jobs that process them.

    `context` is what processing needs besides the items (an account's id); it must be the same for the same
    data, since it is part of what makes two chunks equal. `cursors` move in the same transaction, and so does
    `checkpoint`, which is for this run only: where it goes on when its process dies. Items for which
    `together` gives the same text stay in one chunk. `integration` is needed where a job serves several.
    """

    job: type[BaseProcessingJob]
    items: Iterable[Any]
    context: Mapping[str, Any] = field(default_factory=dict)
    cursors: tuple[CursorMove, ...] = ()
    checkpoint: Mapping[str, Any] | None = None
    together: Callable[[Any], str] | None = None
    integration: Integration | None = None
