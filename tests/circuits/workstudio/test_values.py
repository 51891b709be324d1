"""WorkStudio's dates."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest

from circuits.workstudio import values
from integrations.http.errors import RecordError


@pytest.mark.parametrize(
    ("wire", "expected"),
    [
        ("/Date(2025-12-05T20:12:44.142Z)/", datetime(2025, 12, 5, 20, 12, 44, 142000, UTC)),
        ("/Date(2026-02-11T03:05:00.04Z)/", datetime(2026, 2, 11, 3, 5, 0, 40000, UTC)),
        ("/Date(2024-09-30T12:00:00Z)/", datetime(2024, 9, 30, 12, 0, tzinfo=UTC)),
        ("/Date(2024-09-30T12:00:00.123456Z)/", datetime(2024, 9, 30, 12, 0, 0, 123456, UTC)),
        ("/Date(2026-02-11T03:05:00-05:00)/", datetime(2026, 2, 11, 8, 5, tzinfo=UTC)),
        ("/Date(2026-02-11T03:05:00)/", datetime(2026, 2, 11, 3, 5, tzinfo=UTC)),
        ("\\/Date(2026-01-01)\\/", datetime(2026, 1, 1, tzinfo=UTC)),
        ("/Date(2026-01-01)/", datetime(2026, 1, 1, tzinfo=UTC)),
        ("/Date(1733429564142)/", datetime(2024, 12, 5, 20, 12, 44, 142000, UTC)),
        ("2026-01-01T01:00:00Z", datetime(2026, 1, 1, 1, tzinfo=UTC)),
    ],
)
def test_moments_are_utc(wire: str, expected: datetime) -> None:
    assert values.moment(wire, "X") == expected


@pytest.mark.parametrize(
    ("wire", "expected"),
    [
        ("/Date(2026-01-01)/", date(2026, 1, 1)),
        ("/Date(2025-09-30T23:59:59.999Z)/", date(2025, 9, 30)),
        (" /Date(2026-01-01)/ ", date(2026, 1, 1)),
    ],
)
def test_a_day_is_not_shifted(wire: str, expected: date) -> None:
    assert values.day(wire, "X") == expected


@pytest.mark.parametrize(
    "wire",
    [
        None,
        "",
        "  ",
        "/Date()/",
        "/Date(1899-12-30)/",
        "/Date(1900-01-01)/",
        "1900-01-01",
        "/Date(-3000000000000)/",
    ],
)
def test_every_way_of_no_date(wire: Any) -> None:
    assert values.day(wire, "X") is None
    assert values.moment(wire, "X") is None


@pytest.mark.parametrize(
    ("wire", "code"),
    [
        ("soon", "bad_date"),
        ("20260101", "bad_date"),
        ("/Date(2026-13-01)/", "bad_date"),
        ("/Date(2026-02-30)/", "bad_date"),
        ("/Date(99999999999999999999)/", "bad_date"),
        ("/Date(0001-01-01T00:00:00+14:00)/", "bad_date"),
        (45996.84, "wrong_type"),
        (True, "wrong_type"),
        ({"a": 1}, "wrong_type"),
    ],
)
def test_what_is_no_date_names_the_field(wire: Any, code: str) -> None:
    with pytest.raises(RecordError) as error:
        values.moment(wire, "SS_EDITDATE")
    assert (error.value.code, error.value.field) == (code, "SS_EDITDATE")
