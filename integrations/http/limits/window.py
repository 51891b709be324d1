"""The arithmetic of one window: how much is left, and when there is more. No clock, no database."""

from __future__ import annotations

import math
from collections.abc import Mapping

SLOTS = 20


class Tally:
    """What was reserved in a window of `seconds`, in slots of a twentieth of it.

    A reservation counts until no call made with it can lie within the last `seconds` any more. So no span of
    that length, wherever it starts, ever holds more than the limit. Moments are seconds since the epoch.
    """

    def __init__(self, seconds: int, counts: Mapping[str, int]) -> None:
        self._seconds = seconds
        self._slot = seconds / SLOTS
        self._counts = {int(slot): count for slot, count in counts.items() if count > 0}

    def used(self, now: float) -> int:
        """The cost that counts at `now`."""
        return sum(count for slot, count in self._counts.items() if self._leaves_at(slot) > now)

    def add(self, cost: int, usable_until: float) -> None:
        """Count a reservation whose calls are made until then at the latest."""
        slot = self._slot_of(usable_until)
        self._counts[slot] = self._counts.get(slot, 0) + cost

    def give_back(self, cost: int, usable_until: float) -> None:
        """Count no more what was reserved until then and not used."""
        slot = self._slot_of(usable_until)
        self._counts[slot] = max(0, self._counts.get(slot, 0) - cost)

    def wait(self, cost: int, limit: int, now: float) -> float:
        """Seconds until `cost` more fits below `limit`, which is at least as much; 0 when it fits now."""
        excess = self.used(now) + cost - limit
        for slot in sorted(self._counts):
            if excess <= 0:
                break
            if self._leaves_at(slot) > now:
                excess -= self._counts[slot]
                if excess <= 0:
                    return self._leaves_at(slot) - now
        return 0.0

    def counts(self, now: float) -> dict[str, int]:
        """What has to be remembered."""
        return {
            str(slot): count
            for slot, count in sorted(self._counts.items())
            if count and self._leaves_at(slot) > now
        }

    def _slot_of(self, moment: float) -> int:
        return math.floor(moment / self._slot)

    def _leaves_at(self, slot: int) -> float:
        return (slot + 1) * self._slot + self._seconds
