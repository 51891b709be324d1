"""The simulator's rate limit: windows that count down, Zuora's headers, and what is told beyond them."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from integrations.providers.zuora.sandbox.generator import count_of
from integrations.sandbox import SandboxError, SandboxResponse

HOUR, DAY = 3600, 86_400
MINUTE_LIMIT, HOUR_LIMIT, DAY_LIMIT = 50_000, 2_250_000, 27_000_000


@dataclass(slots=True)
class RateWindow:
    """The window nearest exhaustion of one tenant: ``limit`` calls until ``resets_at`` on ``clock``."""

    limit: int = MINUTE_LIMIT
    remaining: int = MINUTE_LIMIT
    seconds: float = 60.0
    resets_at: float = 0.0
    clock: Callable[[], float] = time.monotonic

    def set(self, document: Mapping[str, Any]) -> None:
        """Take ``limit``, ``remaining`` and ``reset`` (seconds from now). Raises SandboxError."""
        unknown = set(document) - {"limit", "remaining", "reset"}
        if unknown:
            raise SandboxError(f"Unknown field {sorted(unknown)[0]!r}; known: limit, remaining, reset.")
        self.limit = count_of("limit", document.get("limit", self.limit))
        self.remaining = count_of("remaining", document.get("remaining", self.limit))
        reset = document.get("reset", self.seconds)
        if isinstance(reset, bool) or not isinstance(reset, int | float) or not 0 <= reset <= DAY:
            raise SandboxError(f"reset must be seconds from 0 to {DAY}, not {reset!r}.")
        self.resets_at = self.clock() + reset

    def spend(self) -> bool:
        """Count one call; False when none was left."""
        now = self.clock()
        if now >= self.resets_at:
            self.remaining, self.resets_at = self.limit, now + self.seconds
        self.remaining -= 1
        return self.remaining >= 0

    def headers(self) -> dict[str, str]:
        """Zuora's three headers; the reset is in whole seconds from now."""
        windows = f"{self.limit};w=60, {HOUR_LIMIT};w={HOUR}, {DAY_LIMIT};w={DAY}"
        left = max(0.0, self.resets_at - self.clock())
        return {
            "RateLimit-Limit": f"{self.limit}, {windows}",
            "RateLimit-Remaining": str(max(0, self.remaining)),
            "RateLimit-Reset": str(-int(-left // 1)),
        }

    def refusal(self) -> SandboxResponse:
        """The 429 of a spent limit: no Retry-After, only the headers say for how long."""
        seconds = self.headers()["RateLimit-Reset"]
        message = f"Request exceeded limit, please retry after {seconds} seconds"
        return SandboxResponse.json({"reasons": [{"code": 70, "message": message}]}, 429)


class TokenCalls:
    """Counts the token calls of the last minute by client address."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._times: list[float] = []

    def spend(self, limit: int) -> tuple[bool, int]:
        """Count one call: whether it was within the limit, and how many are left."""
        now = self._clock()
        self._times = [moment for moment in self._times if moment > now - 60.0]
        if len(self._times) >= limit:
            return False, 0
        self._times.append(now)
        return True, limit - len(self._times)
