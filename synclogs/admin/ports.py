"""What rooms above plug into the pages of runs and jobs, so that this room needs to know none of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from django.http import HttpRequest
from django.urls import reverse

from accounts.models import User
from synclogs.models import Job, SyncLog


@dataclass(frozen=True, slots=True)
class Operations:
    """What operators do to runs and jobs. `refusals` are the errors that say why something makes no sense."""

    retry_run: Callable[[SyncLog, User | None], Job]
    retry_job: Callable[[Job, User | None], Job]
    cancel_job: Callable[[Job], bool]
    refusals: tuple[type[Exception], ...]


@dataclass(frozen=True, slots=True)
class Starter:
    """A page on which a sync is started: its link's text, its URL name and the permission it takes."""

    text: str
    url_name: str
    permission: str


RunLink = Callable[[SyncLog, User], tuple[str, str] | None]

_operations: list[Operations] = []
_starters: list[Starter] = []
_run_links: list[RunLink] = []


def provide_operations(operations: Operations) -> None:
    """Say how runs and jobs are retried and cancelled. Called once, by the engine's admin."""
    _operations[:] = [operations]


def operations() -> Operations:
    """How runs and jobs are retried and cancelled. Raises LookupError before the engine has said so."""
    if not _operations:
        raise LookupError("no operations are provided: is `integrations` installed?")
    return _operations[0]


def add_starter(starter: Starter) -> None:
    """Offer a page on which a sync is started."""
    _starters.append(starter)


def starters_for(request: HttpRequest) -> list[tuple[str, str]]:
    """The (text, URL) of each page on which this user may start a sync."""
    return [
        (starter.text, reverse(starter.url_name))
        for starter in _starters
        if request.user.has_perm(starter.permission)
    ]


def add_run_link(run_link: RunLink) -> None:
    """Offer a link on the page of each run; the callable gives (text, URL) or None."""
    _run_links.append(run_link)


def run_links(run: SyncLog, user: User) -> list[tuple[str, str]]:
    """What other rooms know of a run: (text, URL) of each link that this user may follow."""
    return [found for run_link in _run_links if (found := run_link(run, user)) is not None]
