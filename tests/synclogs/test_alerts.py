"""Alerts as rows: one a problem, counted, cooled down, recovered, told of once."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from accounts.models import Account
from synclogs import alerts
from synclogs.alerts import (
    AlertNotice,
    Problem,
    announce_overdue,
    open_alert,
    report_problem,
    report_recovery,
)
from synclogs.models import Alert, AlertSeverity, AlertState
from tests.factories import IntegrationFactory, JobFactory, SyncLogFactory, UserFactory

pytestmark = pytest.mark.django_db

Told = list[tuple[str, str, int]]


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> Told:
    """What people were told: notice, message, count."""
    found: Told = []

    def announce(alert: Alert, notice: AlertNotice) -> None:
        found.append((notice.value, alert.message, alert.count))

    monkeypatch.setattr(alerts, "_announcers", [announce])
    return found


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Time that tests move: `clock(minutes=5)`."""
    now = [timezone.now()]

    def advance(**delta: float) -> datetime:
        now[0] += timedelta(**delta)
        return now[0]

    monkeypatch.setattr("synclogs.alerts.timezone.now", lambda: now[0])
    return advance


def problem(message: str = "refused", **options: Any) -> Problem:
    options = {"rule": "dead_letter", "severity": AlertSeverity.CRITICAL, "source": "circuits.sync"} | options
    return Problem(message=message, **options)


def test_the_same_problem_is_one_row(told: Told, clock: Any) -> None:
    report_problem(problem("job 17 of {0F8FAD5B-D9CB-469F-A165-70867728950E} failed after 30 s"))
    clock(minutes=1)
    report_problem(problem("job 18 of {1A8FAD5B-D9CB-469F-A165-70867728950E} failed after 4 s"))
    alert = Alert.objects.get()
    assert (alert.count, alert.state) == (2, AlertState.OPEN)
    assert alert.last_seen - alert.first_seen == timedelta(minutes=1)
    assert [notice for notice, _, _ in told] == ["opened"]


@pytest.mark.parametrize(
    "other",
    [
        {"source": "circuits.aggregates"},
        {"rule": "database"},
        {"error_code": "timeout"},
        {"message": "something else"},
        {"account": True},
        {"integration": True},
    ],
)
def test_another_problem_is_another_row(told: Told, other: dict[str, Any]) -> None:
    if other.pop("account", False):
        other["account_id"] = Account.objects.platform().pk
    if other.pop("integration", False):
        other["integration_id"] = IntegrationFactory.create().pk
    report_problem(problem())
    report_problem(problem(**other))
    assert Alert.objects.count() == 2
    assert len(told) == 2


def test_a_problem_that_lasts_is_told_again_after_the_cool_down(told: Told, clock: Any) -> None:
    report_problem(problem())
    for _ in range(6):
        clock(minutes=12)
        report_problem(problem())
    assert told == [("opened", "refused", 1), ("opened", "refused", 6)]


def test_one_that_somebody_has_acknowledged_is_not_told_again(told: Told, clock: Any) -> None:
    alert = report_problem(problem())
    Alert.objects.filter(pk=alert.pk).update(acknowledged_at=clock(minutes=1))
    clock(hours=2)
    assert report_problem(problem()).count == 2
    assert len(told) == 1


def test_one_that_gets_worse_is_told_at_once(told: Told, clock: Any) -> None:
    report_problem(problem(severity=AlertSeverity.WARNING))
    clock(minutes=1)
    report_problem(problem(severity=AlertSeverity.CRITICAL))
    clock(minutes=1)
    report_problem(problem(severity=AlertSeverity.WARNING))
    assert len(told) == 2


def test_recovery_is_told_once_with_how_often_it_happened(told: Told, clock: Any) -> None:
    for _ in range(3):
        report_problem(problem())
    clock(minutes=5)
    assert report_recovery(Alert.objects.all()) == 1
    assert report_recovery(Alert.objects.all()) == 0
    alert = Alert.objects.get()
    assert (alert.state, alert.recovered_at) == (AlertState.RECOVERED, clock())
    assert told == [("opened", "refused", 1), ("recovered", "refused", 3)]


def test_one_that_returns_begins_anew(told: Told, clock: Any) -> None:
    first = report_problem(problem())
    Alert.objects.update(acknowledged_at=clock(), acknowledged_by=UserFactory.create())
    report_recovery(Alert.objects.all())
    clock(hours=3)
    again = report_problem(problem())
    assert again.pk == first.pk
    assert (again.state, again.count, again.first_seen) == (AlertState.OPEN, 1, clock())
    assert (again.recovered_at, again.acknowledged_at, again.acknowledged_by) == (None, None, None)
    assert [notice for notice, _, _ in told] == ["opened", "recovered", "opened"]


def test_flapping_is_quiet_but_what_stays_is_told(told: Told, clock: Any) -> None:
    report_problem(problem())
    report_recovery(Alert.objects.all())
    for _ in range(3):
        clock(minutes=5)
        report_problem(problem())
        report_recovery(Alert.objects.all())
    clock(minutes=5)
    report_problem(problem())
    assert [notice for notice, _, _ in told] == ["opened", "recovered"]
    assert announce_overdue() == 0
    clock(minutes=41)
    assert announce_overdue() == 1
    assert announce_overdue() == 0
    assert [notice for notice, _, _ in told] == ["opened", "recovered", "opened"]
    report_recovery(Alert.objects.all())
    assert told[-1][0] == "recovered"


def test_secrets_are_taken_out_and_long_texts_cut(told: Told) -> None:
    alert, _ = open_alert(
        problem(
            "password=hunter2hunter2 \x00" + "x" * 5000,
            source="s" * 300,
            error_code="c" * 300,
            actionable_message="token=abcdef123456",
            context={"authorization": "Bearer abcdefghijk", "job": "7"},
        )
    )
    alert.refresh_from_db()
    assert alert.message.startswith("password=[redacted]")
    assert "\x00" not in alert.message
    assert len(alert.message) <= 2000
    assert (len(alert.source), len(alert.error_code)) == (100, 60)
    assert alert.actionable_message == "token=[redacted]"
    assert alert.context == {"authorization": "[redacted]", "job": "7"}


def test_a_secret_in_the_message_does_not_make_another_problem() -> None:
    assert problem("token=abcdef123456").fingerprint == problem("token=ghijkl987654").fingerprint


def test_it_leads_to_the_last_run_and_job(told: Told) -> None:
    report_problem(problem(), run=SyncLogFactory.create(failed=True), job=JobFactory.create(failed=True))
    run, job = SyncLogFactory.create(failed=True), JobFactory.create(failed=True)
    report_problem(problem(), run=run, job=job)
    alert = Alert.objects.get()
    assert (alert.run, alert.job) == (run, job)


def test_an_announcer_that_fails_takes_the_alert_along(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(alert: Alert, notice: AlertNotice) -> None:
        raise ValueError

    monkeypatch.setattr(alerts, "_announcers", [broken])
    with pytest.raises(ValueError):  # noqa: PT011
        report_problem(problem())
    assert not Alert.objects.exists()
