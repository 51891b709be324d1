"""The rows of budgets: reserving from all windows of a limit at once, under row locks."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from django.conf import settings
from django.db import transaction

from integrations.http.limits.declared import Limits
from integrations.http.limits.headers import Stated
from integrations.http.limits.window import Tally
from integrations.models import RateBudget

HOLD_SHARE = 0.1
SINGLE_HOLD_SHARE = 0.05
MAX_HOLD_SECONDS = 15.0
BATCH_SHARE = 10
COLUMNS = (
    "account", "limit", "reserved", "vendor_limit", "vendor_remaining", "vendor_reset_at", "updated_at",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Grant:
    """A reserved cost that calls until `usable_until` (seconds since the epoch) may be made with."""

    cost: int
    usable_until: float


@dataclass(frozen=True, slots=True)
class Wait:
    """Nothing is left for `seconds`, because of `reason`."""

    seconds: float
    reason: str


def hold_seconds(limits: Limits) -> float:
    """For how long a batch may be held: a tenth of the shortest window."""
    return min(limits.shortest * HOLD_SHARE, MAX_HOLD_SECONDS)


@transaction.atomic
def reserve(
    limits: Limits,
    *,
    cost: int,
    wanted: int,
    clock: Callable[[], float],
    unused: Grant | None = None,
    stated: Stated | None = None,
) -> Grant | Wait:
    """Reserve `cost`, and up to `wanted` where others are left enough, from every window; or say how long to
    wait. Two statements, however many windows.

    `unused` is what is left of the last grant, `stated` what the vendor said since. The clock is read when
    the rows are locked: waiting for them may have taken a while.
    """
    rows = _locked_rows(limits)
    now = clock()
    for row in rows:
        row.updated_at = _moment(now)
        _take_in(row, limits, stated, now)
    budgets = [_Window(row, now) for row in rows]
    if unused is not None:
        for budget in budgets:
            budget.give_back(unused)
    wait = _wait(budgets, cost, now)
    grant: Grant | Wait = wait if wait is not None else _take(budgets, limits, cost, wanted, now)
    for budget in budgets:
        budget.keep()
    RateBudget.objects.bulk_update(rows, COLUMNS)
    return grant


@transaction.atomic
def block(limits: Limits, seconds: float, reason: str, now: float) -> None:
    """Let nobody call for so many seconds. A longer block that is there already stays."""
    rows = _locked_rows(limits)
    until = _moment(now + seconds)
    for row in rows:
        row.updated_at = _moment(now)
        if row.blocked_until is None or row.blocked_until < until:
            row.blocked_until, row.blocked_reason = until, reason[:200]
    RateBudget.objects.bulk_update(rows, ["blocked_until", "blocked_reason", "updated_at"])


def _locked_rows(limits: Limits) -> list[RateBudget]:
    rows = RateBudget.objects.select_for_update().filter(
        provider=limits.provider,
        scope=limits.scope,
        window_seconds__in=[window.seconds for window in limits.windows],
    )
    found = list(rows.order_by("window_seconds"))
    if len(found) < len(limits.windows):
        _make_rows(limits)
        found = list(rows.order_by("window_seconds"))
    return found


def _make_rows(limits: Limits) -> None:
    RateBudget.objects.bulk_create(
        [
            RateBudget(
                account_id=limits.account_id,
                provider=limits.provider,
                scope=limits.scope,
                window_seconds=window.seconds,
                limit=window.calls,
            )
            for window in limits.windows
        ],
        ignore_conflicts=True,
    )


def _take_in(row: RateBudget, limits: Limits, stated: Stated | None, now: float) -> None:
    """Bring a row in step with the declaration and with what the vendor stated."""
    row.account_id = limits.account_id
    declared = {window.seconds: window.calls for window in limits.windows}
    if stated and limits.obey_stated:
        row.vendor_limit = stated.quotas.get(row.window_seconds, row.vendor_limit)
        concerned = row.window_seconds == (stated.seconds or limits.shortest)
        if concerned and stated.remaining is not None and stated.reset is not None:
            lower = _still(row.vendor_remaining, row.vendor_reset_at, now)
            row.vendor_remaining = min(stated.remaining, lower) if lower is not None else stated.remaining
            row.vendor_reset_at = _moment(now + stated.reset)
    share = settings.RATE_LIMIT_SHARE
    row.limit = (
        max(1, int(row.vendor_limit * share))
        if row.vendor_limit and limits.obey_stated
        else declared[row.window_seconds]
    )
    if row.vendor_reset_at is not None and row.vendor_reset_at.timestamp() <= now:
        row.vendor_remaining = row.vendor_reset_at = None


def _still(remaining: int | None, reset_at: datetime | None, now: float) -> int | None:
    return remaining if reset_at is not None and reset_at.timestamp() > now else None


class _Window:
    """A row with its tally."""

    def __init__(self, row: RateBudget, now: float) -> None:
        self.row = row
        self._now = now
        counts: Mapping[str, int] = row.reserved
        self._tally = Tally(row.window_seconds, counts)

    @property
    def limit(self) -> int:
        return self.row.limit

    @property
    def _kept_for_others(self) -> int:
        """What the vendor's remaining calls should not fall below: the share that is not ours."""
        return (self.row.vendor_limit or self.row.limit) - self.row.limit

    def free(self) -> int:
        left = self.row.limit - self._tally.used(self._now)
        if self.row.vendor_remaining is not None:
            left = min(left, self.row.vendor_remaining - self._kept_for_others)
        return left

    def wait(self, cost: int) -> tuple[float, str]:
        seconds = self._tally.wait(cost, self.row.limit, self._now)
        reason = f"{self.row.limit} calls in {self.row.window_seconds} s are used up"
        if self.row.vendor_remaining is not None and self.row.vendor_reset_at is not None:
            reset = self.row.vendor_reset_at.timestamp() - self._now
            if self.row.vendor_remaining - self._kept_for_others < cost and reset > seconds:
                return reset, f"the vendor says that {max(0, self.row.vendor_remaining)} calls are left"
        return seconds, reason

    def add(self, cost: int, usable_until: float) -> None:
        self._tally.add(cost, usable_until)
        if self.row.vendor_remaining is not None:
            self.row.vendor_remaining -= cost

    def give_back(self, unused: Grant) -> None:
        self._tally.give_back(unused.cost, unused.usable_until)
        if self.row.vendor_remaining is not None:
            self.row.vendor_remaining += unused.cost

    def keep(self) -> None:
        self.row.reserved = self._tally.counts(self._now)


def _wait(budgets: Sequence[_Window], cost: int, now: float) -> Wait | None:
    """How long to wait and why; None when there is enough now."""
    for budget in budgets:
        until = budget.row.blocked_until
        if until is not None and until.timestamp() > now:
            return Wait(until.timestamp() - now, budget.row.blocked_reason)
    cost = min([cost, *(budget.limit for budget in budgets)])
    short = [budget.wait(cost) for budget in budgets if budget.free() < cost]
    return Wait(*max(short)) if short else None


def _take(budgets: Sequence[_Window], limits: Limits, cost: int, wanted: int, now: float) -> Grant:
    """A batch, no larger than a tenth of the smallest window, so that nobody holds what others could use."""
    largest = max(cost, min(budget.limit for budget in budgets) // BATCH_SHARE)
    granted = max(cost, min(wanted, largest, *(budget.free() for budget in budgets)))
    single = min(limits.shortest * SINGLE_HOLD_SHARE, MAX_HOLD_SECONDS)
    usable_until = now + (hold_seconds(limits) if granted > cost else single)
    for budget in budgets:
        budget.add(granted, usable_until)
    return Grant(granted, usable_until)


def _moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
