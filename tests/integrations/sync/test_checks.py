"""Values against the fields that are to hold them."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from django.db.models import CharField, DecimalField

from integrations.http.errors import RecordError
from integrations.sync import checks

SHORT: CharField[str, str] = CharField(max_length=5)
MONEY: DecimalField[Decimal, Decimal] = DecimalField(max_digits=5, decimal_places=2)


@pytest.mark.parametrize(
    ("value", "expected"),
    [(None, ""), ("", ""), (" a b ", "a b"), (12, "12"), ("ééééé", "ééééé"), ("a\n", "a"), ("樹", "樹")],
)
def test_text(value: Any, expected: str) -> None:
    assert checks.text(value, SHORT, "X") == expected


@pytest.mark.parametrize(
    ("value", "code"),
    [
        ("123456", "too_long"),
        ("a\x00", "bad_character"),
        ("\ud800", "bad_character"),
        ({"a": 1}, "wrong_type"),
        (["a"], "wrong_type"),
        (True, "wrong_type"),
    ],
)
def test_text_that_does_not_fit_names_the_field(value: Any, code: str) -> None:
    with pytest.raises(RecordError) as error:
        checks.text(value, SHORT, "SS_X")
    assert (error.value.code, error.value.field) == (code, "SS_X")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, "0"),
        ("", "0"),
        ("a lot", "0"),
        ("NaN", "0"),
        ("1_000", "0"),
        (True, "0"),
        (7, "7"),
        (7.0, "7"),
        (1.10, "1.10"),
        ("12.5", "12.5"),
        (" -3 ", "-3"),
        ("1e2", "100"),
        (0.005, "0.00"),
        (2.675, "2.68"),
        (999.99, "999.99"),
    ],
)
def test_decimal(value: Any, expected: str) -> None:
    assert checks.decimal(value, MONEY, "X") == Decimal(expected)


@pytest.mark.parametrize("value", [1000, -1000, 999.995, "1e300", float("inf"), float("nan")])
def test_a_number_that_does_not_fit_is_refused(value: Any) -> None:
    with pytest.raises(RecordError) as error:
        checks.decimal(value, MONEY, "X")
    assert error.value.code == "out_of_range"


@pytest.mark.parametrize(
    ("value", "expected"), [(None, None), ("", None), ("31", 31), (31.0, 31), ("31 units", None), (-1, -1)]
)
def test_integer(value: Any, expected: int | None) -> None:
    assert checks.integer(value, "X") == expected


@pytest.mark.parametrize(
    ("value", "code"), [(2**31, "out_of_range"), (1.5, "wrong_type"), ([1], "wrong_type"), ({}, "wrong_type")]
)
def test_what_is_no_32_bit_integer_is_refused(value: Any, code: str) -> None:
    with pytest.raises(RecordError) as error:
        checks.integer(value, "X")
    assert error.value.code == code


@pytest.mark.parametrize("value", [None, True, 3, 1.5, "text", "", -(2**62)])
def test_plain_values_pass(value: Any) -> None:
    assert checks.plain(value, "X", 10) == value


@pytest.mark.parametrize("value", [{}, [], 2**64, float("inf"), float("nan"), "\x00", "\udfff"])
def test_what_a_json_column_cannot_hold_is_refused(value: Any) -> None:
    with pytest.raises(RecordError):
        checks.plain(value, "X", 10)


def test_long_plain_text_is_cut() -> None:
    assert checks.plain("abcdef", "X", 3) == "abc"
