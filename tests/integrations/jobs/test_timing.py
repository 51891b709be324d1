"""When a job is tried again, to the second, under a clock that the test moves."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from accounts.models import Account
from integrations.http.errors import ConnectionFailed
from integrations.jobs.claim import claim
from integrations.jobs.delivery import enqueue_due
from integrations.jobs.outcomes import Postpone
from synclogs.models import JobStatus
from tests.integrations.jobs.conftest import Clock, run
from tests.integrations.jobs.testjobs import ActingJob, acting

pytestmark = pytest.mark.django_db


def test_three_retries_make_four_executions_at_the_listed_waits(account: Account, clock: Clock) -> None:
    job = ActingJob.dispatch(account=account)
    began, starts = clock.now, []

    def work_two_seconds_and_fail(work: Any) -> None:
        starts.append((clock.now - began).total_seconds())
        clock.advance(2)
        raise ConnectionFailed("refused")

    with acting(handle=work_two_seconds_and_fail):
        for wait in (60, 300, 600):
            assert run(job) == "retry"
            clock.advance(wait - 1)
            assert claim(job.pk) is None
            clock.advance(1)
            assert enqueue_due() == 1
        assert run(job) == "fail"
    # Each wait is counted from the end of the try before it.
    assert starts == [0, 62, 364, 966]
    job.refresh_from_db()
    assert (job.status, job.attempts) == (JobStatus.FAILED, 4)
    assert claim(job.pk) is None
    assert job.tries.count() == 4


def test_a_job_postponed_again_and_again_fails_at_its_cap(account: Account, clock: Clock) -> None:
    job = ActingJob.dispatch(account=account)

    def postpone_ten_hours(work: Any) -> None:
        raise Postpone(clock.now + timedelta(hours=10), "approval pending")

    with acting(handle=postpone_ten_hours):
        outcomes: list[str] = []
        while not outcomes or outcomes[-1] == "postpone":
            outcomes.append(run(job))
            clock.advance(10 * 3600)
    assert outcomes == [*["postpone"] * 4, "fail"]
    job.refresh_from_db()
    assert (job.error_code, job.attempts, job.postponed_s) == ("postponed_too_long", 1, 40 * 3600)
    last = job.tries.last()
    assert last is not None
    assert "approval pending" in last.actionable_message
