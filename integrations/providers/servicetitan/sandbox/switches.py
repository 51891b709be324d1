"""What a test or a demonstration can switch in the simulated API."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, Self

from integrations.providers.servicetitan.sandbox.problems import BODY_KINDS
from integrations.sandbox import SandboxError

SWITCHES = {
    "token_ttl": "seconds that a token lives (900)",
    "clock_skew": "seconds by which the token check's clock is ahead (0)",
    "rps_limit": "calls in a sliding second for each app key and tenant; 0 for no limit (60)",
    "retry_after": 'Retry-After of a 429: seconds, "date" for a date one second ahead, or null (1)',
    "feed_lag_s": "seconds for which feeds hide a change, unless includeRecentChanges=true (900)",
    "feed_page_size": "records on a page of a feed (500)",
    "error_body": f"body of errors other than 400: {', '.join(BODY_KINDS)} (problem)",
}


@dataclass(frozen=True, slots=True)
class Switches:
    """Checked settings of the simulated API; SWITCHES explains them."""

    token_ttl: int = 900
    clock_skew: float = 0
    rps_limit: int = 60
    retry_after: float | str | None = 1
    feed_lag_s: float = 900
    feed_page_size: int = 500
    error_body: str = "problem"

    def changed(self, given: Mapping[str, Any]) -> Self:
        """These settings with some of them changed. Raises SandboxError."""
        unknown = sorted(set(given) - set(SWITCHES))
        if unknown:
            raise SandboxError(f"Unknown setting {unknown[0]!r}.", settings=SWITCHES)
        for name in ("token_ttl", "rps_limit", "feed_page_size"):
            _check_number(name, given.get(name, 1), whole=True)
        for name in ("clock_skew", "feed_lag_s"):
            _check_number(name, given.get(name, 1), whole=False)
        if given.get("feed_page_size") == 0:
            raise SandboxError("feed_page_size must be at least 1.")
        wait = given.get("retry_after")
        if not (wait is None or wait == "date" or _is_number(wait)):
            raise SandboxError(f'retry_after must be a number, "date" or null, not {wait!r}.')
        if given.get("error_body", "problem") not in BODY_KINDS:
            raise SandboxError(f"error_body must be one of {', '.join(BODY_KINDS)}.")
        return replace(self, **given)

    def as_dict(self) -> dict[str, Any]:
        """The settings by name."""
        return asdict(self)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and value >= 0


def _check_number(name: str, value: Any, *, whole: bool) -> None:
    if not _is_number(value) or (whole and not isinstance(value, int)):
        raise SandboxError(f"{name} must be a {'whole ' if whole else ''}number from 0, not {value!r}.")
