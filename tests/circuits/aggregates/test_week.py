"""The end of a week: one row a circuit, copied from its latest numbers, whatever comes after."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from circuits import services
from circuits.aggregates.store import NUMBERS
from circuits.aggregates.week import BuildWeeklyAggregatesJob
from circuits.days import today
from circuits.models import CircuitAggregate
from integrations.models import Integration
from synclogs.counts import Counts
from synclogs.models import SyncLog, SyncStatus
from tests.circuits.conftest import work_off
from tests.factories import CircuitAggregateFactory, CircuitFactory

pytestmark = pytest.mark.django_db


def close_the_week() -> SyncLog:
    job = services.queue_weekly_aggregates(trigger="scheduled")
    work_off(job)
    return SyncLog.objects.get(job=job)


def test_the_latest_daily_numbers_are_copied_once() -> None:
    circuit = CircuitFactory()
    for days, units in ((9, 5), (2, 7)):
        CircuitAggregateFactory(
            circuit=circuit, aggregate_date=today() - timedelta(days=days), total_units=units
        )
    CircuitFactory()
    run = close_the_week()
    assert (run.sync_status, run.counts) == (SyncStatus.COMPLETED, Counts(created=1))
    closing = CircuitAggregate.objects.get(is_rollup=True)
    assert (closing.circuit, closing.aggregate_date) == (circuit, today())
    latest = CircuitAggregate.objects.all().latest_of_each().get()
    assert {name: getattr(closing, name) for name in NUMBERS} == {
        name: getattr(latest, name) for name in NUMBERS
    }
    CircuitAggregateFactory(circuit=circuit, aggregate_date=today(), total_units=8)
    assert close_the_week().counts == Counts(skipped=1)
    assert CircuitAggregate.objects.get(is_rollup=True).total_units == 7


def test_closed_and_excluded_circuits_have_no_week() -> None:
    for columns in ({"api_status": "CLOSE"}, {"is_excluded": True}):
        CircuitAggregateFactory(circuit=CircuitFactory(**columns))
    assert close_the_week().counts == Counts()


def test_it_says_nothing_about_the_connection() -> None:
    connection_row = services.workstudio_connection()
    Integration.objects.filter(pk=connection_row.pk).update(status="needs_attention", error_count=2)
    CircuitAggregateFactory()
    close_the_week()
    connection_row.refresh_from_db()
    assert (connection_row.status, connection_row.error_count) == ("needs_attention", 2)


def test_queries_do_not_grow_with_circuits(monkeypatch: pytest.MonkeyPatch) -> None:
    def count(circuits: int) -> int:
        CircuitAggregate.objects.all().delete()
        for _ in range(circuits):
            CircuitAggregateFactory(circuit=CircuitFactory(region=None))
        with CaptureQueriesContext(connection) as queries:
            assert close_the_week().counts.created == circuits
        return len([query for query in queries if "live_events" not in query["sql"]])

    monkeypatch.setattr(BuildWeeklyAggregatesJob, "batch_size", 100)
    count(1)
    assert count(2) == count(30)
