import pytest

from integrations.http.retry_after import parse_retry_after

NOW = 1_800_000_000.0  # Fri, 15 Jan 2027 08:00:00 GMT


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("0", 0.0),
        ("7", 7.0),
        (" 7 ", 7.0),
        ("1.5", 1.5),
        ("Fri, 15 Jan 2027 08:00:30 GMT", 30.0),
        ("Friday, 15-Jan-27 08:00:30 GMT", 30.0),
        ("Fri Jan 15 08:00:30 2027", 30.0),
        ("Fri, 15 Jan 2027 10:00:30 +0200", 30.0),
    ],
)
def test_both_forms_are_read(value: str, seconds: float) -> None:
    assert parse_retry_after(value, now=NOW) == seconds


def test_a_date_that_has_passed_means_now() -> None:
    assert parse_retry_after("Fri, 15 Jan 2021 08:00:00 GMT", now=NOW) == 0.0


@pytest.mark.parametrize(
    "value",
    [None, "", " ", "-5", "soon", "7 seconds", "1e9", "Fri, 99 Jan 2027", "Fri, 15 Jan 2027 99:00:00"],
)
def test_what_makes_no_sense_is_ignored(value: str | None) -> None:
    assert parse_retry_after(value, now=NOW) is None


@pytest.mark.parametrize("value", ["3601", "9" * 30, "9" * 5000, "Fri, 15 Jan 9999 08:00:00 GMT"])
def test_an_absurd_wait_is_cut_to_the_limit(value: str) -> None:
    assert parse_retry_after(value, now=NOW) == 3600.0


def test_the_limit_is_the_callers() -> None:
    assert parse_retry_after("86400", now=NOW, limit=7200.0) == 7200.0
