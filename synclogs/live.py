"""Reading live events in order, from any process: each one once, whoever was cut off in between.

Ids are given out before transactions commit, so a lower id may appear after a higher one. A reader remembers
the ids that were missing when it passed them, looks for them again until no transaction can still hold them,
and hands them to its successor inside the position that a client resumes from.
"""

from __future__ import annotations

import re
import time
from collections.abc import Collection
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, NamedTuple, Self, TypedDict

from django.conf import settings
from django.db.models import Q
from django.utils import timezone

from accounts.models import User
from synclogs.models import LiveEvent

MAX_EVENTS = 500
MAX_MISSING = 100
MAX_RECENT = 2000
MARGIN_SECONDS = 5.0
MAX_ID = 2**63

_POSITION = re.compile(r"([0-9]{1,19})(?:~([0-9]{1,19}(?:,[0-9]{1,19})*))?")


def patience() -> float:
    """Seconds after which an id that is missing was given up: write transactions are shorter."""
    return float(settings.JOB_LEASE_SECONDS) / 4 + MARGIN_SECONDS


@dataclass(frozen=True, slots=True)
class Position:
    """Where a reader stands: the highest id passed, and the lower ones that had not appeared by then.

    Written `12`, or `12~9,11` while 9 and 11 may still come.
    """

    last_id: int
    missing: tuple[int, ...] = ()

    def __str__(self) -> str:
        return f"{self.last_id}~{','.join(map(str, self.missing))}" if self.missing else str(self.last_id)

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read what `str()` wrote; a plain id is one too. Raises ValueError for anything else."""
        match = _POSITION.fullmatch(text)
        if match is None:
            raise ValueError(f"{text[:40]!r} is no position")
        last_id = int(match[1])
        missing = tuple(int(number) for number in (match[2] or "").split(",") if number)
        if last_id >= MAX_ID or len(missing) > MAX_MISSING or any(pk >= last_id for pk in missing):
            raise ValueError(f"{text[:40]!r} is no position")
        return cls(last_id, missing)

    @classmethod
    def now(cls) -> Self:
        """After everything that is committed now; what was begun before is still to come."""
        ids = LiveEvent.objects.order_by("-pk").values_list("pk", flat=True)
        newest = ids.first()
        if newest is None:
            return cls(0)
        since = timezone.now() - timedelta(seconds=2 * patience())
        recent = set(ids.filter(created_at__gte=since, pk__lte=newest)[:MAX_RECENT])
        if newest not in recent:
            return cls(newest)
        settled = ids.filter(pk__lt=min(recent)).first()
        begin = max(min(recent) if settled is None else settled + 1, newest - 2 * MAX_RECENT)
        gaps = [pk for pk in range(begin, newest) if pk not in recent]
        return cls(newest, tuple(gaps[-MAX_MISSING:]))


class LiveMessage(TypedDict):
    """An event as readers get it. `position` is what to resume from after it."""

    id: int
    position: str
    channel: str
    kind: str
    payload: dict[str, Any]


class _Head(NamedTuple):
    pk: int
    channel: str
    account_id: int | None
    kind: str


class LiveReader:
    """Reads the events of some channels, as far as `user` may see their accounts.

    Begins after `position`, or with what comes from now on when that is None. Users who may not look at runs
    hear that one started or ended, but not what went wrong in it. A round without news costs one look at the
    end of the primary key.
    """

    def __init__(self, user: User, channels: Collection[str], position: Position | None = None) -> None:
        self._channels = frozenset(channels)
        self._accounts = None if user.sees_all_accounts else _accounts_of(user)
        self._hears_errors = user.has_perm("synclogs.view_synclog")
        begin = Position.now() if position is None else position
        self._last_id = begin.last_id
        self._missing = dict.fromkeys(begin.missing, time.monotonic())

    @property
    def position(self) -> Position:
        """Where a successor goes on."""
        return Position(self._last_id, tuple(sorted(self._missing)))

    def read(self) -> list[LiveMessage]:
        """What is new, oldest first; looks at no more than 500 events a call."""
        heads = self._new_heads()
        wanted = [head.pk for head in heads if self._may_hear(head)]
        found = LiveEvent.objects.filter(pk__in=wanted).order_by().values_list("pk", "payload")
        payloads = dict(found) if wanted else {}
        messages = []
        for head in heads:
            self._pass(head.pk)
            if head.pk in payloads:
                messages.append(self._message(head, payloads[head.pk]))
        self._give_up_missing()
        return messages

    def _new_heads(self) -> list[_Head]:
        new = Q(pk__gt=self._last_id)
        if self._missing:
            new |= Q(pk__in=list(self._missing))
        rows = LiveEvent.objects.filter(new).order_by("pk")
        return [_Head(*row) for row in rows.values_list("pk", "channel", "account_id", "kind")[:MAX_EVENTS]]

    def _may_hear(self, head: _Head) -> bool:
        if head.channel not in self._channels:
            return False
        return self._accounts is None or head.account_id is None or head.account_id in self._accounts

    def _pass(self, pk: int) -> None:
        if pk <= self._last_id:
            self._missing.pop(pk, None)
            return
        skipped = range(self._last_id + 1, pk)[-MAX_MISSING:]
        self._missing |= dict.fromkeys(skipped, time.monotonic())
        while len(self._missing) > MAX_MISSING:
            del self._missing[min(self._missing)]
        self._last_id = pk

    def _give_up_missing(self) -> None:
        too_old = time.monotonic() - patience()
        self._missing = {pk: noticed for pk, noticed in self._missing.items() if noticed > too_old}

    def _message(self, head: _Head, payload: dict[str, Any]) -> LiveMessage:
        if not self._hears_errors and payload.get("error_message"):
            payload = payload | {"error_message": ""}
        return {
            "id": head.pk,
            "position": str(self.position),
            "channel": head.channel,
            "kind": head.kind,
            "payload": payload,
        }


def _accounts_of(user: User) -> frozenset[int]:
    return frozenset(user.membership_set.values_list("account_id", flat=True))
