"""Counts: numbers that add up."""

from __future__ import annotations

import pytest

from synclogs.counts import Counts


def test_processed_is_the_sum_of_all_but_removed() -> None:
    counts = Counts(created=1, updated=2, unchanged=4, skipped=8, failed=16, removed=32)
    assert counts.processed == 31
    assert counts.taken == 7
    assert counts.as_dict()["processed"] == 31
    assert counts.as_columns()["records_processed"] == 31


def test_addition_is_part_by_part() -> None:
    assert Counts(created=1, failed=2) + Counts(created=3, removed=1) == Counts(
        created=4, failed=2, removed=1
    )


def test_columns_and_results_are_each_other_s_inverse() -> None:
    counts = Counts(created=1, updated=2, unchanged=3, skipped=4, failed=5, removed=6)
    assert Counts.from_results(counts.as_columns()) == counts
    assert Counts.from_results(counts.as_dict()) == counts


def test_missing_parts_are_zero_and_unchanged_is_the_remainder() -> None:
    assert Counts.from_results({}) == Counts()
    assert Counts.from_results({"processed": 5}) == Counts(unchanged=5)
    assert Counts.from_results({"created": 2}) == Counts(created=2)
    assert Counts.from_results({"circuits_processed": 3, "circuits_created": 3}) == Counts(created=3)
    assert Counts.from_results({"processed": 1, "created": 1, "aggregates_created": 9}) == Counts(created=1)


@pytest.mark.parametrize("results", [{"processed": 1, "created": 2}, {"processed": 5, "unchanged": 2}])
def test_what_does_not_add_up_is_refused(results: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="do not add up"):
        Counts.from_results(results)
