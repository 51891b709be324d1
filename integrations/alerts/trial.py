"""Trying the ways that notices take, with an alert that is no alert."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.utils import timezone

from integrations.alerts.notify import configured_ways, send
from integrations.http.errors import IntegrationError
from synclogs.alerts import AlertNotice
from synclogs.models import Alert, AlertSeverity


@dataclass(frozen=True, slots=True)
class Trial:
    """What became of one way: `to` says where it leads, `error` is empty when it was sent."""

    way: str
    to: str
    code: str = ""
    error: str = ""

    def as_dict(self) -> dict[str, Any]:
        """For machines."""
        return asdict(self)


def try_ways(*, dry_run: bool = False) -> list[Trial]:
    """Send one notice by every configured way, each whatever became of the others."""
    return [_try(way, dry_run=dry_run) for way in configured_ways()]


def _try(way: str, *, dry_run: bool) -> Trial:
    to = ", ".join(settings.ALERT_EMAILS) if way == "mail" else _host(settings.ALERT_WEBHOOK_URL)
    try:
        if not dry_run:
            send(_alert(), AlertNotice.OPENED, way)
    except IntegrationError as error:
        return Trial(way, to, error.code, str(error))
    return Trial(way, to)


def _host(url: str) -> str:
    """Only the host: the rest of a webhook's URL is a secret."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.hostname}"


def _alert() -> Alert:
    now = timezone.now()
    return Alert(
        rule="test",
        severity=AlertSeverity.INFO,
        source="alerts test",
        message="This is a test: alerts reach you.",
        actionable_message="Nothing.",
        fingerprint="test",
        first_seen=now,
        last_seen=now,
    )
