"""What a vendor's reply says of its limits: RateLimit-*, RateLimit-Policy, X-RateLimit-*, Retry-After.

Read are the forms of the IETF drafts "RateLimit header fields for HTTP" (the older one with three headers,
the newer one with two) and the unofficial X- headers in their usual spellings.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from integrations.http.retry_after import MAX_RETRY_AFTER, parse_retry_after

EPOCH = 1_000_000_000
_QUOTA = re.compile(r"(\d+)\s*;\s*(?:[^,]*?;\s*)?w\s*=\s*(\d+)")
_POLICY = re.compile(r"[^,;]+;[^,]*?\bq\s*=\s*(\d+)[^,]*?\bw\s*=\s*(\d+)")
_ITEM = re.compile(r"\b([rt])\s*=\s*(\d+)")
_NUMBER = re.compile(r"\s*(\d+(?:\.\d+)?)")
_PERIODS = {"second": 1, "minute": 60, "hour": 3600, "day": 86_400}


@dataclass(frozen=True, slots=True)
class Stated:
    """What a reply says. `quotas` are calls by seconds of a window; `remaining` calls are left for `reset`
    seconds; `seconds` is the window that they belong to, None where that was not said."""

    quotas: Mapping[int, int] = field(default_factory=dict)
    remaining: int | None = None
    reset: float | None = None
    seconds: int | None = None
    retry_after: float | None = None

    def __bool__(self) -> bool:
        return bool(self.quotas) or self.remaining is not None or self.retry_after is not None


def stated_limits(
    headers: Mapping[str, str], *, now: float, max_retry_after: float = MAX_RETRY_AFTER
) -> Stated:
    """What the headers of a reply say; `now` is seconds since the epoch. Nonsense is left out."""
    retry_after = parse_retry_after(headers.get("Retry-After"), now=now, limit=max_retry_after)
    found = _of_period(headers) or _structured(headers) or _three_headers(headers, now)
    if found is None:
        return Stated(retry_after=retry_after)
    quotas, remaining, reset, seconds = found
    quotas = {length: calls for length, calls in quotas.items() if length > 0 and calls > 0}
    return Stated(quotas, remaining, reset, seconds, retry_after)


_Found = tuple[dict[int, int], int | None, float | None, int | None]


def _structured(headers: Mapping[str, str]) -> _Found | None:
    """`RateLimit: "name";r=50;t=30` with `RateLimit-Policy: "name";q=100;w=60`."""
    items = dict(_ITEM.findall(headers.get("RateLimit", "")))
    quotas = {int(w): int(q) for q, w in _POLICY.findall(headers.get("RateLimit-Policy", ""))}
    if "r" not in items and not quotas:
        return None
    seconds = next(iter(quotas)) if len(quotas) == 1 else None
    remaining = int(items["r"]) if "r" in items else None
    return quotas, remaining, float(items["t"]) if "t" in items else None, seconds


def _of_period(headers: Mapping[str, str]) -> _Found | None:
    """`X-RateLimit-Limit-minute` and the like; the shortest period that is there."""
    for name, seconds in _PERIODS.items():
        limit = _number(headers.get(f"X-RateLimit-Limit-{name}"))
        remaining = _number(headers.get(f"X-RateLimit-Remaining-{name}"))
        if limit is not None or remaining is not None:
            quotas = {seconds: int(limit)} if limit is not None else {}
            return quotas, None if remaining is None else int(remaining), float(seconds), seconds
    return None


def _three_headers(headers: Mapping[str, str], now: float) -> _Found | None:
    """`RateLimit-Limit: 50, 50;w=60, 2250;w=3600`, `RateLimit-Remaining`, `RateLimit-Reset`; or with X-."""
    for prefix in ("RateLimit", "X-RateLimit", "X-Rate-Limit"):
        limit = headers.get(f"{prefix}-Limit", "")
        remaining = _number(headers.get(f"{prefix}-Remaining"))
        if not limit and remaining is None:
            continue
        quotas = {int(w): int(calls) for calls, w in _QUOTA.findall(limit)}
        first = _number(limit)
        nearest = next((w for w, calls in quotas.items() if calls == first), None)
        reset = _number(headers.get(f"{prefix}-Reset"))
        if reset is not None and reset > EPOCH:
            reset = max(0.0, reset - now)
        return quotas, None if remaining is None else int(remaining), reset, nearest
    return None


def _number(text: str | None) -> float | None:
    found = _NUMBER.match(text or "")
    return float(found[1]) if found else None
