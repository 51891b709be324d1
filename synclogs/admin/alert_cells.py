"""What lists and pages say of an alert."""

from __future__ import annotations

from typing import Any

from django.db.models import Q, QuerySet
from django.utils.safestring import SafeString

from accounts.models import User
from synclogs.admin import html
from synclogs.admin.job_cells import job_url
from synclogs.admin.run_cells import run_link
from synclogs.admin.words import absolute, counted, humanized, number
from synclogs.models import Alert, AlertSeverity, AlertState

TONES = {AlertSeverity.INFO: "info", AlertSeverity.WARNING: "warn", AlertSeverity.CRITICAL: "bad"}


def visible_alerts(user: User) -> QuerySet[Alert]:
    """The alerts of the accounts that `user` may see, and those that belong to no account."""
    if user.sees_all_accounts:
        return Alert.objects.all()
    own = user.membership_set.values("account")
    of_nobody = Q(account__isnull=True, integration__isnull=True)
    by_connection = Q(account__isnull=True, integration__account__in=own)
    return Alert.objects.filter(of_nobody | by_connection | Q(account__in=own))


def severity(alert: Alert) -> SafeString:
    """How bad it is; dimmed when it is over."""
    tone = TONES[AlertSeverity(alert.severity)] if alert.state == AlertState.OPEN else "mute"
    return html.label(alert.get_severity_display(), tone)


def state(alert: Alert) -> SafeString:
    """Whether it is over, and whether somebody knows."""
    if alert.state == AlertState.RECOVERED:
        return html.stacked(html.label("recovered", "ok"), html.when(alert.recovered_at))
    if alert.acknowledged_at is None:
        return html.label("open", "bad" if alert.severity == AlertSeverity.CRITICAL else "warn")
    title = f"{absolute(alert.acknowledged_at)}, by {alert.acknowledged_by or 'somebody'}"
    return html.label("acknowledged", "info", title=title)


def sentence(alert: Alert) -> str:
    """How often, and whether it is over, in one sentence."""
    times = f"Seen {counted(alert.count, 'time')}"
    if alert.state == AlertState.RECOVERED:
        return f"{times}. It is over: there is nothing to do."
    if alert.acknowledged_at is not None:
        return (
            f"{times}. {alert.acknowledged_by or 'Somebody'} takes care of it; notices stop until it is over."
        )
    return f"{times}. Nobody has acknowledged it yet."


def page(alert: Alert, user: User) -> dict[str, Any]:
    """Everything on an alert's page."""
    return {
        "alert": alert,
        "severity": severity(alert),
        "state": state(alert),
        "sentence": sentence(alert),
        "tone": TONES[AlertSeverity(alert.severity)] if alert.state == AlertState.OPEN else "mute",
        "is_open": alert.state == AlertState.OPEN and alert.acknowledged_at is None,
        "facts": [(name, value) for name, value in facts(alert, user) if value],
        "context_json": html.pretty_json(alert.context),
    }


def facts(alert: Alert, user: User) -> list[tuple[str, Any]]:
    """What is known of an alert; values that are not are empty."""
    run = alert.run if user.has_perm("synclogs.view_synclog") else None
    job = alert.job if user.has_perm("synclogs.view_job") else None
    return [
        ("Rule", humanized(alert.rule)),
        ("Noticed by", alert.source),
        ("Times seen", number(alert.count)),
        ("First seen", _moment(alert.first_seen)),
        ("Last seen", _moment(alert.last_seen)),
        ("Notified", _moment(alert.notified_at)),
        ("Acknowledged", _acknowledged(alert)),
        ("Recovered", _moment(alert.recovered_at)),
        ("Run", run_link(run) if run else ""),
        ("Job", html.link(job_url(job), job) if job else ""),
        ("Connection", html.row_link(alert.integration, user)),
        ("Account", html.row_link(alert.account, user)),
    ]


def _acknowledged(alert: Alert) -> SafeString | str:
    if alert.acknowledged_at is None:
        return ""
    by = html.muted(f"by {alert.acknowledged_by or 'somebody'}")
    return html.joined([html.when(alert.acknowledged_at), by])


def _moment(moment: Any) -> SafeString | str:
    return html.joined([html.when(moment), html.muted(absolute(moment))]) if moment else ""
