"""Notices of alerts, sent as jobs: by mail and to a webhook, each only where it is configured."""

from __future__ import annotations

import hashlib
import hmac
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import orjson
from django.conf import settings
from django.core.mail import send_mail

from accounts.models import Account
from integrations.http.errors import Action, Fault, IntegrationError
from integrations.http.session import ApiSession
from integrations.jobs.base import BaseJob
from integrations.jobs.registry import register_job
from synclogs.alerts import AlertNotice
from synclogs.models import Alert

SIGNATURE_HEADER = "X-Syncplatform-Signature"


class MailRefused(IntegrationError):
    """The mail server did not take a notice; worth another try."""

    code = "mail"
    action = Action.RETRY
    fault = Fault.US
    actionable_message = "Check the mail server's settings."


@register_job
class NotifyAlert(BaseJob):
    """Sends one notice one way. A way that fails is tried again without repeating the others."""

    name = "platform.notify_alert"
    job_type = "notify_alert"
    timeout = 60
    backoff = (60, 300, 600)

    @classmethod
    def announce(cls, alert: Alert, notice: AlertNotice) -> None:
        """Queue a notice by every configured way, in the caller's transaction."""
        account = alert.account or Account.objects.platform()
        for way in configured_ways():
            args = {"alert": alert.pk, "notice": notice.value, "way": way, "count": alert.count}
            cls.dispatch(account=account, args=args)

    def handle(self) -> str | None:
        """Send it. An alert that was pruned meanwhile needs no notice."""
        alert = Alert.objects.filter(pk=self.args["alert"]).first()
        if alert is None:
            return "skipped"
        send(alert, AlertNotice(self.args["notice"]), self.args["way"])
        return None


def configured_ways() -> list[str]:
    """The ways that notices take: `mail`, `webhook`, both or none."""
    ways = {"mail": settings.ALERT_EMAILS, "webhook": settings.ALERT_WEBHOOK_URL}
    return [way for way, configured in ways.items() if configured]


def subject(alert: Alert, notice: AlertNotice) -> str:
    """One line that says what and how bad."""
    state = "recovered" if notice is AlertNotice.RECOVERED else alert.severity
    return f"[{settings.ENVIRONMENT}] {state}: {alert.source}: {alert.message}".splitlines()[0][:160]


def text(alert: Alert, notice: AlertNotice) -> str:
    """The notice for people: what happened, what to do, how often, and where to read on."""
    since = f"{alert.count} times since {alert.first_seen:%Y-%m-%d %H:%M} UTC."
    if notice is AlertNotice.RECOVERED:
        return "\n".join([alert.message, "", f"Recovered. It had happened {since}", *_where(alert)])
    advice = [f"What to do: {alert.actionable_message}"] if alert.actionable_message else []
    return "\n".join([alert.message, "", *advice, f"Rule {alert.rule}, seen {since}", *_where(alert)])


def send(alert: Alert, notice: AlertNotice, way: str) -> None:
    """Send one notice one way: `mail` or `webhook`. Raises IntegrationError."""
    if way == "mail":
        send_by_mail(alert, notice)
    else:
        send_to_webhook(alert, notice)


def send_by_mail(alert: Alert, notice: AlertNotice) -> None:
    """Mail it to ALERT_EMAILS. Raises MailRefused with what the mail server said."""
    try:
        send_mail(subject(alert, notice), text(alert, notice), None, settings.ALERT_EMAILS)
    except OSError as error:
        raise MailRefused(f"the mail server did not take the notice: {error}") from error


def send_to_webhook(alert: Alert, notice: AlertNotice) -> None:
    """POST it, Slack-compatible and signed, to ALERT_WEBHOOK_URL. Raises IntegrationError.

    The URL's path counts as a secret: whoever knows it can post.
    """
    url = urlsplit(settings.ALERT_WEBHOOK_URL)
    body = orjson.dumps(payload(alert, notice))
    headers = {"Content-Type": "application/json"}
    if settings.ALERT_WEBHOOK_SECRET:
        headers[SIGNATURE_HEADER] = signature(body, int(time.time()))
    with ApiSession(
        settings.ALERT_WEBHOOK_URL,
        provider="alerts",
        total_timeout=30.0,
        secrets=(url.path.strip("/"), url.query),
    ) as session:
        session.request("POST", data=body, headers=headers)


def payload(alert: Alert, notice: AlertNotice) -> dict[str, Any]:
    """What the webhook gets; Slack shows `text`."""
    return {
        "text": f"{subject(alert, notice)}\n{text(alert, notice)}",
        "notice": notice.value,
        "severity": alert.severity,
        "rule": alert.rule,
        "source": alert.source,
        "error_code": alert.error_code,
        "count": alert.count,
        "fingerprint": alert.fingerprint,
        "run_id": str(alert.run_id) if alert.run_id else None,
        "job_id": str(alert.job_id) if alert.job_id else None,
    }


def signature(body: bytes, timestamp: int) -> str:
    """`t=<seconds>,v1=<hex HMAC-SHA256 of "<seconds>.<body>">` with ALERT_WEBHOOK_SECRET."""
    signed = f"{timestamp}.".encode() + body
    digest = hmac.new(settings.ALERT_WEBHOOK_SECRET.encode(), signed, hashlib.sha256).hexdigest()
    return f"t={timestamp},v1={digest}"


def _where(alert: Alert) -> Iterator[str]:
    if alert.run_id:
        yield f"Run {alert.run_id}"
    if alert.job_id:
        yield f"Job {alert.job_id}"
