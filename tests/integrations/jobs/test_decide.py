"""The table of docs/jobs.md, "What happens after an error", row by row."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import DataError, IntegrityError, InterfaceError, OperationalError
from django.utils import timezone

from integrations.http.errors import (
    BadReply,
    BadRequest,
    BudgetSpent,
    ConnectionFailed,
    Forbidden,
    RateLimited,
    RecordError,
    ServerError,
    TimedOut,
    Unauthorized,
)
from integrations.jobs.decide import decide
from integrations.jobs.outcomes import Decision, JobCancelled, JobFailed, LeaseLost, Next, Postpone
from integrations.jobs.qcluster import TimeoutException
from synclogs.models import RunFenced, SyncAlreadyRunning

BACKOFF = (60.0, 300.0)


def after(error: BaseException, attempts: int = 0, **kwargs: float) -> Decision:
    return decide(error, attempts=attempts, backoff=BACKOFF, **kwargs)


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (ConnectionFailed(), "connection"),
        (TimedOut(), "timeout"),
        (ServerError(status=503), "server_error"),
        (BadReply(), "bad_reply"),
        (TimeoutException("too long"), "timeout"),
        (OperationalError("deadlock detected"), "database"),
        (InterfaceError("connection already closed"), "database"),
    ],
)
def test_what_may_pass_by_itself_is_tried_again(error: BaseException, code: str) -> None:
    first, second, third = (after(error, attempts) for attempts in range(3))
    assert (first.next, first.wait_s, first.code) == (Next.RETRY, 60, code)
    assert (second.next, second.wait_s) == (Next.RETRY, 300)
    assert (third.next, third.wait_s, third.code) == (Next.FAIL, None, code)
    assert "attempts used up" in third.rule
    assert first.actionable_message
    assert "retry 1 of 2" in first.reason


def test_a_class_without_backoff_is_not_retried() -> None:
    decision = decide(ConnectionFailed(), attempts=0, backoff=())
    assert decision.next is Next.FAIL
    assert "this job is not retried" in decision.rule


@pytest.mark.parametrize(
    ("error", "rule", "code"),
    [
        (Unauthorized(), "not retryable", "unauthorized"),
        (Forbidden(), "not retryable", "forbidden"),
        (BadRequest(), "not retryable", "bad_request"),
        (RecordError("bad", code="too_long"), "not retryable", "too_long"),
        (JobFailed("all refused", code="all_refused"), "the job reported a failure", "all_refused"),
        (IntegrityError("duplicate key"), "database refused the data", "database"),
        (DataError("value too long"), "database refused the data", "database"),
        (TypeError("a defect"), "unexpected error", "error"),
        (KeyError("a defect"), "unexpected error", "error"),
        (AssertionError("a defect"), "unexpected error", "error"),
    ],
)
def test_what_will_not_pass_fails_at_once(error: BaseException, rule: str, code: str) -> None:
    decision = after(error)
    assert (decision.next, decision.rule, decision.code, decision.wait_s) == (Next.FAIL, rule, code, None)
    assert decision.error is error


@pytest.mark.parametrize(
    ("retry_after", "wait"), [(None, 60), (5.0, 5), (0.0, 0), (7200.0, 3600)], ids=["none", "5", "0", "2h"]
)
def test_a_vendor_that_says_wait_is_waited_for_at_most_an_hour(
    retry_after: float | None, wait: float
) -> None:
    decision = after(RateLimited("slow down", retry_after=retry_after), attempts=2)
    assert (decision.next, decision.rule, decision.wait_s) == (Next.POSTPONE, "vendor says wait", wait)
    assert "slow down" in decision.reason


def test_a_held_lock_is_waited_for_a_minute() -> None:
    decision = after(SyncAlreadyRunning("integration:1:circuits", None), attempts=2)
    assert (decision.next, decision.rule, decision.wait_s) == (Next.POSTPONE, "lock held", 60)


def test_a_job_that_postpones_itself_says_until_when_and_why() -> None:
    decision = after(Postpone(timezone.now() + timedelta(minutes=30), "quota spent"), attempts=2)
    assert decision.next is Next.POSTPONE
    assert decision.wait_s == pytest.approx(1800, abs=1)
    assert decision.reason == "quota spent"
    assert after(Postpone(timezone.now() - timedelta(minutes=1), "past")).wait_s == 0


def test_postponing_has_an_end() -> None:
    hour = 3600.0
    soon = Postpone(timezone.now() + timedelta(hours=1), "quota spent")
    assert after(soon, postponed_s=46.9 * hour).next is Next.POSTPONE
    over = after(soon, postponed_s=47.1 * hour)
    assert (over.next, over.code) == (Next.FAIL, "postponed_too_long")
    assert "quota spent" in over.actionable_message
    assert after(soon, postpone_cap_s=1800).code == "postponed_too_long"


def test_a_cancelled_job_ends_cancelled_with_its_reason() -> None:
    assert after(JobCancelled()).next is Next.CANCEL
    inactive = after(
        JobCancelled("its account is not active", rule="account inactive", code="account_inactive")
    )
    assert (inactive.rule, inactive.code) == ("account inactive", "account_inactive")


@pytest.mark.parametrize("error", [LeaseLost("lapsed"), RunFenced("taken over")])
def test_a_process_that_owns_the_job_no_longer_decides_nothing(error: Exception) -> None:
    assert after(error).next is Next.LOST


def test_a_spent_budget_postpones_and_says_so() -> None:
    decision = decide(BudgetSpent("tenant 1: used up", retry_after=42.0), attempts=0, backoff=())
    assert (decision.next, decision.rule, decision.wait_s) == (Next.POSTPONE, "call budget spent", 42.0)
