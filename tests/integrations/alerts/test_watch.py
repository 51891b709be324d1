"""The supervisor looks after the queue when the queue cannot."""

from __future__ import annotations

import logging
from datetime import timedelta

import pytest
from django.utils import timezone

from integrations.alerts.check_job import CheckQueueJob
from integrations.alerts.watch import OVERDUE, QueueWatch
from synclogs.models import Alert
from tests.factories import JobFactory

pytestmark = pytest.mark.django_db

RESTART = OVERDUE.total_seconds()


class Clock:
    """Seconds that a test moves."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(autouse=True)
def _stands_still() -> None:
    """A job is due and nobody takes it."""
    JobFactory.create(run_at=timezone.now() - timedelta(minutes=20))


def open_alerts() -> list[str]:
    return list(Alert.objects.values_list("error_code", flat=True))


def test_a_queue_that_stands_still_is_noticed_without_a_worker(
    clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    watch = QueueWatch(clock)
    with caplog.at_level(logging.ERROR, "syncplatform.workers"):
        watch()
        clock.now += RESTART - 1
        watch()
        assert open_alerts() == []
        clock.now += 1
        watch()
    assert open_alerts() == ["queue_oldest"]
    assert "the oldest due job has waited" in caplog.text


def test_it_looks_once_a_minute(clock: Clock) -> None:
    watch = QueueWatch(clock)
    clock.now += RESTART
    for _ in range(59):
        watch()
        clock.now += 1
    assert Alert.objects.get().count == 1
    clock.now += 1
    watch()
    assert Alert.objects.get().count == 2


@pytest.mark.parametrize(("age", "looked"), [(timedelta(minutes=10), False), (timedelta(minutes=12), True)])
def test_it_leaves_a_queue_alone_that_checks_itself(clock: Clock, age: timedelta, looked: bool) -> None:
    JobFactory.create(name=CheckQueueJob.name, succeeded=True, finished_at=timezone.now() - age)
    watch = QueueWatch(clock)
    clock.now += RESTART
    watch()
    assert bool(open_alerts()) is looked
