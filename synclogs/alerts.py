"""Alerts as rows: opened once a problem, counted while it lasts, recovered when it is over."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import F, QuerySet
from django.utils import timezone

from synclogs.models import Alert, AlertSeverity, AlertState, Job, SyncLog
from synclogs.redaction import excerpt, redact_text, redact_value

MAX_MESSAGE = 2000
_VARIABLE_PARTS = re.compile(r"\{?[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\}?|\d+", re.IGNORECASE)
_BADNESS = (AlertSeverity.INFO, AlertSeverity.WARNING, AlertSeverity.CRITICAL)


class AlertNotice(StrEnum):
    """What there is to say about an alert."""

    OPENED = "opened"
    RECOVERED = "recovered"


Announce = Callable[[Alert, AlertNotice], None]
_announcers: list[Announce] = []


def provide_announcer(announce: Announce) -> None:
    """Say how people are told; `announce` queues notices in the caller's transaction. Called once."""
    _announcers[:] = [announce]


@dataclass(frozen=True, slots=True)
class Problem:
    """What an alert is about. `source` is who noticed (a job, a command); `rule` says why it matters."""

    rule: str
    severity: AlertSeverity
    source: str
    message: str
    error_code: str = ""
    actionable_message: str = ""
    account_id: int | None = None
    integration_id: int | None = None
    context: Mapping[str, Any] = field(default_factory=dict)

    @property
    def fingerprint(self) -> str:
        """The same for the same problem of the same connection, whatever numbers its message holds."""
        normalized = _VARIABLE_PARTS.sub("#", redact_text(self.message))
        owner = f"{self.account_id or ''}/{self.integration_id or ''}"
        parts = (self.source, self.rule, self.error_code, normalized, owner)
        return hashlib.sha256("\x1f".join(parts).encode(errors="replace")).hexdigest()


def report_problem(problem: Problem, *, run: SyncLog | None = None, job: Job | None = None) -> Alert:
    """Open or count the alert of a problem and queue its notices, all in one transaction."""
    with transaction.atomic():
        alert, due = open_alert(problem, run=run, job=job)
        if due:
            _announce(alert, AlertNotice.OPENED)
    return alert


def report_recovery(alerts: QuerySet[Alert]) -> int:
    """Mark those of these alerts that are open as over, and say so where somebody was alarmed."""
    with transaction.atomic():
        ended = recover_alerts(alerts)
        for alert in ended:
            if alert.notified_at is not None and alert.notified_at >= alert.first_seen:
                _announce(alert, AlertNotice.RECOVERED)
    return len(ended)


def open_alert(problem: Problem, *, run: SyncLog | None = None, job: Job | None = None) -> tuple[Alert, bool]:
    """Open or count an alert in the caller's transaction; the flag says whether somebody is to be notified.

    A problem is notified when it opens, when it gets worse, and again once a cool-down while it goes on and
    nobody has acknowledged it. One that returns within the cool-down is counted only: see `announce_overdue`.
    """
    now = timezone.now()
    columns = _columns(problem, run, job)
    with transaction.atomic():
        alert, created = Alert.objects.select_for_update().get_or_create(
            fingerprint=problem.fingerprint, defaults=columns | {"first_seen": now, "last_seen": now}
        )
        worse = _BADNESS.index(problem.severity) > _BADNESS.index(AlertSeverity(alert.severity))
        again = alert.state == AlertState.RECOVERED
        if not created:
            changes = columns | {"last_seen": now, "state": AlertState.OPEN, "count": F("count") + 1}
            changes |= _fresh(now) if again else {}
            Alert.objects.filter(pk=alert.pk).update(**changes)
        silenced = alert.acknowledged_at is not None and not again
        due = created or worse or (_cooled_down(alert) and not silenced)
        if due:
            Alert.objects.filter(pk=alert.pk).update(notified_at=now)
        alert.refresh_from_db()
    return alert, due


def recover_alerts(alerts: QuerySet[Alert]) -> list[Alert]:
    """Mark these as over; returns the ones that were open."""
    now = timezone.now()
    with transaction.atomic():
        ended = list(alerts.select_for_update(of=("self",)).filter(state=AlertState.OPEN).order_by("pk"))
        Alert.objects.filter(pk__in=[alert.pk for alert in ended]).update(
            state=AlertState.RECOVERED, recovered_at=now
        )
    return ended


def announce_overdue() -> int:
    """Tell of alerts that came back within their cool-down, were kept silent, and are open still."""
    cool_down = timedelta(seconds=settings.ALERT_COOLDOWN_S)
    now = timezone.now()
    silent = Alert.objects.filter(
        state=AlertState.OPEN,
        acknowledged_at__isnull=True,
        notified_at__lt=F("first_seen"),
        notified_at__lte=now - cool_down,
    )
    with transaction.atomic():
        overdue = list(silent.select_for_update(of=("self",)).order_by("pk"))
        for alert in overdue:
            _announce(alert, AlertNotice.OPENED)
        Alert.objects.filter(pk__in=[alert.pk for alert in overdue]).update(notified_at=now)
    return len(overdue)


def _announce(alert: Alert, notice: AlertNotice) -> None:
    for announce in _announcers:
        announce(alert, notice)


def _fresh(now: Any) -> dict[str, Any]:
    """The columns of an alert that opens again."""
    return {
        "count": 1,
        "first_seen": now,
        "recovered_at": None,
        "acknowledged_at": None,
        "acknowledged_by": None,
    }


def _cooled_down(alert: Alert) -> bool:
    cool_down = timedelta(seconds=settings.ALERT_COOLDOWN_S)
    return alert.notified_at is None or timezone.now() - alert.notified_at >= cool_down


def _columns(problem: Problem, run: SyncLog | None, job: Job | None) -> dict[str, Any]:
    return {
        "rule": problem.rule[:60],
        "severity": problem.severity,
        "source": problem.source[:100],
        "account_id": problem.account_id,
        "integration_id": problem.integration_id,
        "run": run,
        "job": job,
        "error_code": problem.error_code[:60],
        "message": excerpt(problem.message, MAX_MESSAGE),
        "actionable_message": redact_text(problem.actionable_message),
        "context": redact_value(dict(problem.context)),
    }
