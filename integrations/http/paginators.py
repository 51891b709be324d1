"""Walking through a vendor's pages while the last one is written: ahead of the writer, within bounds."""

from __future__ import annotations

import contextvars
from collections import deque
from collections.abc import Callable, Generator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as NotInTime
from dataclasses import dataclass, field
from typing import Any, Generic, Self, TypeVar

import msgspec
from django.db import connections

from integrations.http.deadline import Deadline
from integrations.http.errors import Action, BadReply, DeadlinePassed

IN_FLIGHT = 4

AskT = TypeVar("AskT")
ReplyT = TypeVar("ReplyT")


@dataclass(frozen=True, slots=True)
class Page:
    """Some records as they were received, and where to go on once they are stored.

    `state` is merged into the stream's cursor in the transaction that stores the records; a None in it takes
    the name out. `is_last` says that the vendor has nothing more for now.
    """

    records: Sequence[msgspec.Raw]
    state: Mapping[str, Any] = field(default_factory=dict)
    is_last: bool = False


PageWalk = Generator[Page, None, None]


@dataclass(frozen=True, slots=True)
class NumberedPage:
    """One page of a numbered list. `pages` is how many there are in all, when the vendor says so."""

    records: Sequence[msgspec.Raw]
    has_more: bool
    pages: int | None = None


@dataclass(frozen=True, slots=True)
class TokenPage:
    """One page of a feed. `token` asks for what follows it, also when that does not exist yet."""

    records: Sequence[msgspec.Raw]
    has_more: bool
    token: str | None


def numbered_pages(
    fetch: Callable[[int], NumberedPage],
    *,
    first: int = 1,
    in_flight: int = IN_FLIGHT,
    deadline: Deadline | None = None,
    state_key: str = "page",
) -> PageWalk:
    """The pages from `first` on, in order; `fetch` is called in threads, at most `in_flight` at a time.

    Several are asked for at once only when a reply said how many pages there are, so that none is asked for
    in vain; otherwise one ahead. With 0 nothing is fetched ahead: a page is asked for when the one before it
    was taken in, so that a walk that is killed and taken up again fetches no more than one page twice. The
    state after a page is `{state_key: next number}`, None after the last.
    """
    with _Ahead(fetch, first, in_flight, deadline) as ahead:
        ahead.ask(first)
        number = first
        while True:
            reply = ahead.take()
            if not reply.has_more:
                yield Page(reply.records, {state_key: None}, is_last=True)
                return
            known_last = max(reply.pages or 0, number + 1)
            while ahead.room() and ahead.asked_last < known_last:
                ahead.ask(ahead.asked_last + 1)
            number += 1
            yield Page(reply.records, {state_key: number})


def token_pages(
    fetch: Callable[[str | None], TokenPage],
    token: str | None = None,
    *,
    deadline: Deadline | None = None,
    state_key: str = "continue_from",
) -> PageWalk:
    """The pages of a feed from `token` on (None: its beginning); one is fetched ahead, in a thread.

    The state after a page is `{state_key: its token}`. An empty page does not end the feed. Raises BadReply
    when the feed promises more under the token that was just used, since that would never end.
    """
    with _Ahead(fetch, token, 1, deadline) as ahead:
        ahead.ask(token)
        while True:
            reply = ahead.take()
            if reply.has_more:
                if reply.token is None or reply.token == token:
                    raise BadReply("the feed promises more, but does not move on", action=Action.STOP)
                ahead.ask(reply.token)
            token = token if reply.token is None else reply.token
            yield Page(reply.records, {state_key: token}, is_last=not reply.has_more)
            if not reply.has_more:
                return


class _Ahead(Generic[AskT, ReplyT]):
    """Calls of `fetch` on their way, handed out in the order in which they were asked for.

    With none `in_flight` a call is made when its reply is wanted.
    """

    def __init__(
        self, fetch: Callable[[AskT], ReplyT], first: AskT, in_flight: int, deadline: Deadline | None
    ) -> None:
        self._fetch = fetch
        self._in_flight = in_flight
        self._deadline = deadline
        self._threads = ThreadPoolExecutor(max(1, in_flight), thread_name_prefix="fetch")
        self._later: deque[AskT] = deque()
        self._waiting: deque[Future[ReplyT]] = deque()
        self.asked_last = first

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        """Let what is on its way arrive, so that no thread outlives the walk; ask for nothing more."""
        self._threads.shutdown(wait=True, cancel_futures=True)

    def room(self) -> bool:
        """Whether another call may be started."""
        return len(self._waiting) < self._in_flight or not (self._in_flight or self._later)

    def ask(self, position: AskT) -> None:
        """Start a call. Raises DeadlinePassed when no time is left for it."""
        if self._deadline is not None:
            self._deadline.check()
        self.asked_last = position
        if not self._in_flight:
            self._later.append(position)
            return
        self._start(position)

    def _start(self, position: AskT) -> None:
        context = contextvars.copy_context()
        self._waiting.append(self._threads.submit(context.run, self._call, position))

    def take(self) -> ReplyT:
        """The reply of the oldest call. Raises what that call raised, or DeadlinePassed."""
        if self._later:
            self._start(self._later.popleft())
        future = self._waiting.popleft()
        if self._deadline is None:
            return future.result()
        try:
            return future.result(timeout=self._deadline.remaining())
        except NotInTime:
            if future.done():
                raise
            raise DeadlinePassed from None

    def _call(self, position: AskT) -> ReplyT:
        """Fetch in a thread, which keeps no connection to the database."""
        try:
            return self._fetch(position)
        finally:
            for connection in connections.all(initialized_only=True):
                connection.close()
