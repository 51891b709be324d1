"""How far a walk through numbered pages runs ahead of whoever takes the pages in."""

from __future__ import annotations

import threading

import pytest

from integrations.http.paginators import NumberedPage, numbered_pages

LAST = 6


class Vendor:
    """Six pages; notes which were asked for."""

    def __init__(self) -> None:
        self.asked: list[int] = []
        self._changed = threading.Condition()

    def page(self, number: int) -> NumberedPage:
        with self._changed:
            self.asked.append(number)
            self._changed.notify_all()
        return NumberedPage((), has_more=number < LAST, pages=LAST)

    def wait_until_asked(self, times: int) -> None:
        with self._changed:
            assert self._changed.wait_for(lambda: len(self.asked) >= times, 5)


@pytest.mark.parametrize("in_flight", [1, 4])
def test_pages_are_fetched_ahead_within_bounds(in_flight: int) -> None:
    vendor = Vendor()
    walk = numbered_pages(vendor.page, in_flight=in_flight)
    next(walk)
    vendor.wait_until_asked(1 + in_flight)
    walk.close()
    assert sorted(vendor.asked) == list(range(1, 2 + in_flight))


def test_without_fetching_ahead_a_page_is_asked_for_when_the_one_before_was_taken_in() -> None:
    vendor = Vendor()
    seen = []
    for page in numbered_pages(vendor.page, in_flight=0):
        seen.append(list(vendor.asked))
        if page.is_last:
            break
    assert seen == [list(range(1, number + 1)) for number in range(1, LAST + 1)]


def test_a_walk_begins_where_it_is_told_to() -> None:
    vendor = Vendor()
    pages = list(numbered_pages(vendor.page, first=5, in_flight=0))
    assert vendor.asked == [5, 6]
    assert [dict(page.state) for page in pages] == [{"page": 6}, {"page": None}]
