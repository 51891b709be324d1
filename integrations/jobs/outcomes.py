"""How a try at a job can end other than by returning, and what is decided then."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Postpone(Exception):
    """Not now, at `until`, because of `reason`. Costs no attempt; frees the worker meanwhile."""

    def __init__(self, until: datetime, reason: str) -> None:
        self.until = until
        self.reason = reason
        super().__init__(f"postponed until {until:%Y-%m-%d %H:%M:%S} UTC: {reason}")


class JobCancelled(Exception):
    """The job is to stop without having failed; raised at the next safe point.

    `rule` says in a few words who wants that, `code` is a stable slug.
    """

    def __init__(
        self,
        message: str = "cancelled by an operator",
        *,
        rule: str = "cancelled by an operator",
        code: str = "cancelled",
    ) -> None:
        self.rule = rule
        self.code = code
        super().__init__(message)


class LeaseLost(Exception):
    """This process's claim on the job has lapsed: another process may own it, so nothing more is written."""


class JobFailed(Exception):
    """The job itself says that it failed, in words for an operator.

    `code` is a stable slug; `actionable_message` says what to do next.
    """

    def __init__(self, message: str, *, code: str, actionable_message: str = "") -> None:
        self.code = code
        self.actionable_message = actionable_message
        super().__init__(message)


class Next(StrEnum):
    """What becomes of a job after a try."""

    SUCCEED = "succeed"
    RETRY = "retry"
    POSTPONE = "postpone"
    FAIL = "fail"
    CANCEL = "cancel"
    PARK = "park"  # failed without a report, too often
    LOST = "lost"  # another process owns it: nothing is written


@dataclass(frozen=True, slots=True)
class Decision:
    """What becomes of a job, which rule said so, and for how long it waits.

    `wait_s` is seconds from the end of the try; None when the job has ended.
    """

    next: Next
    rule: str
    reason: str = ""
    wait_s: float | None = None
    error: BaseException | None = None
    code: str = ""
    actionable_message: str = ""
    result: str = ""

    @property
    def message(self) -> str:
        """What went wrong, in words; the rule where no error says more."""
        return str(self.error) if self.error is not None and str(self.error) else self.rule
