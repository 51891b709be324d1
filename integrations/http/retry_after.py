"""Reading the Retry-After header (RFC 9110 section 10.2.3)."""

import re
from datetime import UTC
from email.utils import parsedate_to_datetime

MAX_RETRY_AFTER = 3600.0
_SECONDS = re.compile(r"\d+(?:\.\d+)?")


def parse_retry_after(value: str | None, *, now: float, limit: float = MAX_RETRY_AFTER) -> float | None:
    """Seconds to wait from `now`, or None when the header is absent or makes no sense.

    Both forms are read: delta seconds and HTTP-date. A date that has passed is 0; a wait beyond `limit`
    seconds is cut to it, so that one absurd header cannot park a job for years. `now` is seconds since the
    epoch.
    """
    text = (value or "").strip()
    if _SECONDS.fullmatch(text):
        return min(float(text), limit)
    try:
        moment = parsedate_to_datetime(text)
        seconds = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() - now
    except (TypeError, ValueError, OverflowError, IndexError):
        return None
    return min(max(seconds, 0.0), limit)
