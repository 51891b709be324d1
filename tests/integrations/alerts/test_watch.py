"""The supervisor looks after the queue when the queue cannot."""

from __future__ import annotations

import logging
from datetime import timedelta

import pytest
from django.core import mail
from django.utils import timezone
from pytest_django import Settings

from integrations.alerts import watch
from integrations.alerts.check_job import CheckQueueJob
from integrations.alerts.checks import check_queue
from integrations.alerts.notify import NotifyAlert
from integrations.alerts.watch import OVERDUE, QueueWatch
from synclogs.models import Alert, Job, JobStatus
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
    watching = QueueWatch(clock)
    with caplog.at_level(logging.ERROR, "syncplatform.workers"):
        watching()
        clock.now += RESTART - 1
        watching()
        assert open_alerts() == []
        clock.now += 1
        watching()
    assert open_alerts() == ["queue_oldest"]
    assert "the oldest due job has waited" in caplog.text


def test_it_looks_once_a_minute(clock: Clock) -> None:
    watching = QueueWatch(clock)
    clock.now += RESTART
    for _ in range(59):
        watching()
        clock.now += 1
    assert Alert.objects.get().count == 1
    clock.now += 1
    watching()
    assert Alert.objects.get().count == 2


@pytest.mark.parametrize(("age", "looked"), [(timedelta(minutes=10), False), (timedelta(minutes=12), True)])
def test_it_leaves_a_queue_alone_that_checks_itself(clock: Clock, age: timedelta, looked: bool) -> None:
    JobFactory.create(name=CheckQueueJob.name, succeeded=True, finished_at=timezone.now() - age)
    watching = QueueWatch(clock)
    clock.now += RESTART
    watching()
    assert bool(open_alerts()) is looked


@pytest.mark.django_db(transaction=True)
def test_its_notices_leave_although_no_worker_lives(clock: Clock, settings: Settings) -> None:
    settings.ALERT_EMAILS = ["operator@example.com"]
    looking = QueueWatch(clock)
    clock.now += RESTART
    looking()
    assert looking._notifying is not None
    looking._notifying.join(10)
    (message,) = mail.outbox
    assert "the oldest due job has waited" in message.subject
    assert Job.objects.get(name=NotifyAlert.name).status == JobStatus.SUCCEEDED


def test_a_notice_that_cannot_be_sent_is_tried_again_later(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 1
    settings.ALERT_EMAILS = ["operator@example.com"]
    check_queue()
    monkeypatch.setattr(watch.connection, "close", lambda: None)  # the test's own transaction
    watch.send_waiting_notices()
    assert Job.objects.get(name=NotifyAlert.name).status == JobStatus.RETRY_WAIT
