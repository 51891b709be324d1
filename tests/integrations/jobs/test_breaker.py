"""The circuit breaker of a connection."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from django.db import connections
from pytest_django import DjangoAssertNumQueries

from integrations.alerts import wiring
from integrations.http.errors import BadRequest, RateLimited, RecordError, ServerError
from integrations.jobs import breaker
from integrations.jobs.outcomes import Decision, Next
from integrations.models import Integration
from synclogs.models import Alert, AlertState
from tests.integrations.jobs.conftest import Clock, run
from tests.integrations.jobs.testjobs import ActingJob, ActingSync, acting

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _connected() -> None:
    wiring.connect()


def fail(connection: Integration, times: int, error: Exception | None = None) -> None:
    """So many jobs of the connection fail, each once."""

    def refuse(work: Any) -> None:
        raise error or ServerError(status=503)

    for number in range(times):
        job = ActingJob.dispatch(account=connection.account, integration=connection, args={"n": number})
        with acting(handle=refuse):
            run(job)
        job.delete()
    connection.refresh_from_db()


def succeed(connection: Integration) -> None:
    with acting():
        run(ActingSync.dispatch(account=connection.account, integration=connection))
    connection.refresh_from_db()


def test_the_fifth_failure_opens_it_for_an_hour(connection_of: Integration, clock: Clock) -> None:
    fail(connection_of, 4)
    assert not breaker.is_open(connection_of)
    fail(connection_of, 1)
    assert breaker.is_open(connection_of)
    clock.advance(3599)
    assert breaker.is_open(connection_of)
    clock.advance(1)
    assert not breaker.is_open(connection_of)


def test_failures_count_for_an_hour(connection_of: Integration, clock: Clock) -> None:
    fail(connection_of, 4)
    clock.advance(3600)
    fail(connection_of, 4)
    assert connection_of.breaker_failures == 4
    assert not breaker.is_open(connection_of)


def test_a_success_forgets_them(connection_of: Integration) -> None:
    fail(connection_of, 4)
    succeed(connection_of)
    assert (connection_of.breaker_failures, connection_of.breaker_window_at) == (0, None)
    fail(connection_of, 4)
    assert not breaker.is_open(connection_of)


def test_a_failure_after_the_hour_opens_it_again_and_a_success_closes_it(
    connection_of: Integration, clock: Clock
) -> None:
    fail(connection_of, 5)
    clock.advance(3601)
    fail(connection_of, 1)
    assert breaker.is_open(connection_of)
    succeed(connection_of)
    assert connection_of.breaker_open_until is None


@pytest.mark.parametrize("error", [BadRequest(status=400), RecordError("bad"), RateLimited(retry_after=60)])
def test_what_says_nothing_of_the_vendor_does_not_count(connection_of: Integration, error: Exception) -> None:
    fail(connection_of, 5, error)
    assert connection_of.breaker_failures == 0


def test_jobs_that_call_no_vendor_do_not_count(
    connection_of: Integration, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ActingJob, "fetches", False)
    fail(connection_of, 5)
    assert connection_of.breaker_failures == 0


def test_it_is_said_once_when_it_goes_down_and_once_when_it_is_up(
    connection_of: Integration, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    fail(connection_of, 7)
    clock.advance(3601)
    fail(connection_of, 2)
    succeed(connection_of)
    succeed(connection_of)
    said = [record.getMessage() for record in caplog.records if "connection" in record.getMessage()]
    assert [" is down" in text for text in said] == [True, False]
    alert = Alert.objects.get(rule="breaker")
    assert (alert.severity, alert.state, alert.count) == ("warning", AlertState.RECOVERED, 1)
    assert alert.integration == connection_of


def test_a_healthy_connection_costs_no_statement(
    connection_of: Integration, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    job = ActingSync.dispatch(account=connection_of.account, integration=connection_of)
    with acting():
        run(job)
    assert job.integration is not None
    with django_assert_num_queries(0):
        breaker.try_ended(job, Decision(Next.SUCCEED, "done"), 1)


@pytest.mark.django_db(transaction=True)
def test_failures_at_the_same_moment_all_count(connection_of: Integration) -> None:
    opened: list[bool] = []

    def work() -> None:
        try:
            opened.append(breaker.failed(connection_of))
        finally:
            connections.close_all()

    threads = [threading.Thread(target=work) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    connection_of.refresh_from_db()
    assert connection_of.breaker_failures == 12
    assert opened.count(True) == 1
