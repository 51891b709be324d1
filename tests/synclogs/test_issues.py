"""Issues: what could not be taken, written down up to a cap."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from synclogs.issues import IssueBook
from synclogs.models import MAX_ISSUES_PER_RUN
from tests.factories import SyncLogFactory

pytestmark = pytest.mark.django_db


@dataclass
class Problem:
    """What a writer says is wrong."""

    text: str = "too long"
    code: str = "too_long"
    field: str = "SS_WO"

    def __str__(self) -> str:
        return self.text


@dataclass
class Refused:
    """A record that a writer could not take."""

    index: int
    source_id: str
    error: Problem
    excerpt: str = ""


def refused(count: int) -> list[Refused]:
    return [Refused(number, f"guid-{number}", Problem()) for number in range(count)]


def test_an_issue_says_which_record_why_and_shows_a_redacted_piece() -> None:
    run = SyncLogFactory()
    problem = Problem(text="it says password=hunter2hunter2")
    record = Refused(7, "g" * 300, problem, 'SS_WO="1", token=abcdef123456\x00\nrest')
    IssueBook(run, "circuits", "QC").add([record])
    issue = run.issues.get()
    assert (issue.stream, issue.partition, issue.index) == ("circuits", "QC", 7)
    assert (issue.field, issue.error_code, len(issue.source_id)) == ("SS_WO", "too_long", 200)
    assert "hunter2" not in issue.error_message
    assert "abcdef" not in issue.excerpt
    assert "\x00" not in issue.excerpt
    assert str(issue).startswith("ggg")


def test_a_run_keeps_a_thousand_whoever_writes_them() -> None:
    run = SyncLogFactory()
    first = IssueBook(run, "circuits", "ACTIV")
    first.add(refused(990))
    second = IssueBook(run, "circuits", "QC")
    second.add(refused(8))
    second.add(refused(8))
    second.add(refused(8))
    assert run.issues.count() == MAX_ISSUES_PER_RUN == 1000
    assert run.issues.filter(partition="QC").count() == 10


def test_a_part_that_is_repeated_forgets_its_own_issues_only() -> None:
    run = SyncLogFactory()
    for partition in ("ACTIV", "QC"):
        IssueBook(run, "circuits", partition).add(refused(2))
    book = IssueBook(run, "circuits", "QC")
    book.forget()
    assert list(run.issues.values_list("partition", flat=True)) == ["ACTIV", "ACTIV"]
    book.add(refused(1))
    assert run.issues.count() == 3


def test_nothing_refused_asks_the_database_nothing() -> None:
    book = IssueBook(SyncLogFactory(), "circuits")
    with CaptureQueriesContext(connection) as queries:
        book.add([])
    assert len(queries) == 0
