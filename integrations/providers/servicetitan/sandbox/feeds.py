"""Export feeds: pages in the order of changes, each with the token that the next call continues from."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from integrations.providers.servicetitan.sandbox.dataset import Held, Place, Shelf
from integrations.providers.servicetitan.sandbox.moments import read, stamp, ticks_of
from integrations.providers.servicetitan.sandbox.problems import Problem
from integrations.providers.servicetitan.sandbox.switches import Switches
from integrations.sandbox import SandboxRequest, SandboxResponse

PARAMETERS = frozenset({"from", "includeRecentChanges"})
START: Place = ("", 0)


@dataclass(slots=True)
class Quirks:
    """What a feed is told to do wrong, so many times each."""

    empty_first_page: int = 0
    stuck_token: int = 0


@dataclass(slots=True)
class Feed:
    """One tenant's feed of one kind; `name` goes into its tokens."""

    name: str
    shelf: Shelf
    quirks: Quirks = field(default_factory=Quirks)

    def answer(self, request: SandboxRequest, switches: Switches) -> SandboxResponse:
        """One page. Raises Problem (400) for a `from` that is no date, no moment and no token of it."""
        given = request.parameter("from")
        place, inclusive = self._start(given)
        recent = request.parameter("includeRecentChanges").lower() == "true"
        lagging = stamp(ticks_of(datetime.now(UTC) - timedelta(seconds=switches.feed_lag_s)))
        if not given and self.quirks.empty_first_page:
            self.quirks.empty_first_page -= 1
            return page([], self._token(START), has_more=True)
        before = "9999" if recent else lagging
        found = self.shelf.after(place, inclusive=inclusive, before=before)
        shown = found[: switches.feed_page_size]
        if self.quirks.stuck_token and given:
            self.quirks.stuck_token -= 1
            return page([], given, has_more=True)
        settled = [held for held in shown if held.place[0] <= lagging]
        last = settled[-1].place if settled else place
        return page(shown, self._token(last), has_more=len(found) > len(shown))

    def _start(self, given: str) -> tuple[Place, bool]:
        if not given:
            return START, True
        moment = read(given)
        if moment is not None:
            return (moment, -(10**18)), True
        return self._place(given), False

    def _token(self, place: Place) -> str:
        text = f"{self.name}|{place[0]}|{place[1]}"
        return base64.urlsafe_b64encode(f"{text}|{_check(text)}".encode()).decode()

    def _place(self, token: str) -> Place:
        try:
            text, _, check = base64.urlsafe_b64decode(token.encode()).decode().rpartition("|")
            name, moment, number = text.split("|")
            if check != _check(text) or name != self.name:
                raise ValueError(token)
            return moment, int(number)
        except ValueError:
            message = "The value is no date, and no token that this feed has issued."
            raise Problem(400, "Validation failed", {"from": [message]}) from None


def page(shown: Sequence[Held], token: str, *, has_more: bool) -> SandboxResponse:
    """The reply with these records."""
    head = f'{{"hasMore":{str(has_more).lower()},"continueFrom":"{token}","data":['
    body = head.encode() + b",".join(held.body for held in shown) + b"]}"
    return SandboxResponse(200, {"Content-Type": "application/json; charset=utf-8"}, body)


def _check(text: str) -> str:
    return hashlib.blake2b(text.encode(), digest_size=4).hexdigest()
