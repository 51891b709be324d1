import pytest
from requests.structures import CaseInsensitiveDict

from integrations.http.limits.headers import Stated, stated_limits

NOW = 1_800_000_000.0


def read(**headers: str) -> Stated:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return stated_limits(CaseInsensitiveDict(named), now=NOW)


def test_reads_several_quotas_and_takes_the_first_number_for_the_nearest_window() -> None:
    stated = read(
        RateLimit_Limit="2250000, 50000;w=60, 2250000;w=3600, 27000000;w=86400",
        RateLimit_Remaining="2249100",
        RateLimit_Reset="120",
    )
    assert stated == Stated({60: 50000, 3600: 2250000, 86400: 27000000}, 2249100, 120.0, 3600)


def test_reads_the_two_structured_headers() -> None:
    stated = read(RateLimit_Policy='"burst";q=100;w=60', RateLimit='"burst";r=50;t=30')
    assert stated == Stated({60: 100}, 50, 30.0, 60)


def test_reads_headers_named_after_a_period() -> None:
    stated = read(X_RateLimit_Limit_Minute="100", X_RateLimit_Remaining_Minute="0")
    assert stated == Stated({60: 100}, 0, 60.0, 60)


@pytest.mark.parametrize(("reset", "seconds"), [("30", 30.0), ("1800000045", 45.0), ("1799999999", 0.0)])
def test_a_reset_is_a_wait_or_a_moment(reset: str, seconds: float) -> None:
    stated = read(X_RateLimit_Limit="5000", X_RateLimit_Remaining="4999", X_RateLimit_Reset=reset)
    assert (stated.remaining, stated.reset, stated.seconds) == (4999, seconds, None)


def test_reads_how_long_to_wait() -> None:
    assert read(Retry_After="7").retry_after == 7.0


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"RateLimit_Limit": "many", "RateLimit_Remaining": "some", "RateLimit_Reset": "soon"},
        {"RateLimit": "r", "RateLimit_Policy": ";;;"},
        {"X_RateLimit_Limit_Minute": "-", "Retry_After": "whenever"},
        {"RateLimit_Limit": "0;w=0"},
    ],
)
def test_nonsense_says_nothing(headers: dict[str, str]) -> None:
    stated = read(**headers)
    assert not stated.quotas
    assert stated.remaining is None
    assert stated.retry_after is None
