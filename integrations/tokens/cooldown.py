"""How long a token endpoint that failed is left alone."""

from __future__ import annotations

from datetime import datetime, timedelta

from integrations.http.errors import Fault
from integrations.tokens.errors import TokenEndpointDown

LONGEST_SECONDS = 600.0


def ask_again_at(now: datetime, failures: int, first_seconds: float) -> datetime:
    """Twice as long after each failure in a row, from `first_seconds` to ten minutes."""
    return now + timedelta(seconds=min(first_seconds * 2.0 ** max(0, failures - 1), LONGEST_SECONDS))


def still_cooling(until: datetime | None, now: datetime, provider: str) -> TokenEndpointDown | None:
    """The error for whoever would ask before its time; None when it may be asked."""
    if until is None or until <= now:
        return None
    seconds = (until - now).total_seconds()
    return TokenEndpointDown(
        f"the token endpoint failed and is asked again in {seconds:.0f} s",
        provider=provider,
        retry_after=seconds,
        fault=Fault.VENDOR,
    )
