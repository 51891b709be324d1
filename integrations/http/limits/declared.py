"""What a provider declares of its limits: docs/connections.md, "Budgets"."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Window:
    """At most `calls` (a sum of costs) in any `seconds`, a whole number."""

    calls: int
    seconds: int

    def __post_init__(self) -> None:
        if self.calls < 1 or self.seconds < 1:
            raise ValueError(f"a window takes at least one call in a second, not {self}")


@dataclass(frozen=True, slots=True)
class Limits:
    """One limit of a vendor, in one or more windows that all hold at once.

    `scope` says whose limit it is, in words that an operator understands and that hold no secret ("tenant
    1001"). `account_id` is the account it belongs to; None where all accounts share it. A vendor that states
    other limits in its replies is believed, unless `obey_stated` is off, and RATE_LIMIT_SHARE of them used.
    """

    provider: str
    scope: str
    windows: tuple[Window, ...]
    account_id: int | None = None
    obey_stated: bool = True

    def __post_init__(self) -> None:
        if not self.windows:
            raise ValueError("limits need at least one window")
        if len({window.seconds for window in self.windows}) != len(self.windows):
            raise ValueError("two windows of one limit are equally long")

    @property
    def shortest(self) -> int:
        """The length of the shortest window in seconds."""
        return min(window.seconds for window in self.windows)
