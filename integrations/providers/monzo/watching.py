"""How far an account was read, and which of its transactions are not settled yet: its SyncCursor."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from integrations.http.errors import RecordError
from integrations.providers.monzo.mapping.transactions import status
from integrations.providers.monzo.mapping.values import moment

STREAM = "transactions"
LEAST = timedelta(days=7)
MOST = timedelta(days=89)
OVERLAP = timedelta(days=1)
GIVE_UP = timedelta(days=35)


@dataclass(slots=True)
class Watch:
    """`through` is up to when the account was read; `unsettled` holds creation times by transaction."""

    through: datetime | None = None
    unsettled: dict[str, datetime] = field(default_factory=dict)
    is_truncated: bool = False

    @classmethod
    def of(cls, state: Mapping[str, Any]) -> Watch:
        """As a cursor's state says."""
        through = state.get("through")
        return cls(
            datetime.fromisoformat(through) if through else None,
            {key: datetime.fromisoformat(at) for key, at in state.get("unsettled", {}).items()},
            bool(state.get("history_truncated")),
        )

    def as_state(self) -> dict[str, Any]:
        """What the cursor keeps."""
        return {
            "through": self.through.isoformat() if self.through else None,
            "unsettled": {key: at.isoformat() for key, at in sorted(self.unsettled.items())},
            "history_truncated": self.is_truncated,
        }

    @property
    def is_read(self) -> bool:
        """Whether it was read once, to the end."""
        return self.through is not None

    def since(self, now: datetime) -> datetime:
        """From when to read: a day before the last end, back to the oldest that is not settled; at least
        seven days, at most 89.
        """
        if self.through is None:
            return now - MOST
        wanted = min([self.through - OVERLAP, now - LEAST, *self.unsettled.values()])
        return max(wanted, now - MOST)

    def look_at(self, transactions: Iterable[Any]) -> None:
        """Take note of what is settled and what is not."""
        for each in transactions:
            try:
                key, state, created = str(each["id"]), status(each), moment(each, "created")
            except (RecordError, KeyError, TypeError, AttributeError):
                continue  # it becomes an issue when it is mapped
            if state == "pending":
                self.unsettled[key] = created
            else:
                self.unsettled.pop(key, None)

    def expire(self, seen: set[str], since: datetime, now: datetime) -> list[str]:
        """Forget those that are unsettled for 35 days; returns those of them that are not shown any more."""
        old = [key for key, created in self.unsettled.items() if now - created >= GIVE_UP]
        gone = [key for key in old if key not in seen and self.unsettled[key] >= since]
        for key in old:
            del self.unsettled[key]
        return sorted(gone)

    def read_through(self, now: datetime) -> None:
        """Everything up to this moment was read."""
        self.through = now
