"""What operators do to a connection: poll it, let it rest, read again. Each leaves a trace and a message."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

from django.http import HttpRequest
from django.utils.dateparse import parse_date

from integrations.models import Integration
from integrations.polling import connecting, disconnecting, fetching
from integrations.polling.eligibility import Skip
from synclogs.admin.base import OperatorAdmin, signed_in_user

Operation = Callable[[OperatorAdmin, HttpRequest, Integration], None]

REASONS = {
    Skip.INACTIVE: "it is paused, or its credential or account is not active",
    Skip.UNKNOWN_TYPE: "nothing is known that polls it",
    Skip.WEBHOOK_ONLY: "it is not polled: its vendor sends what is new",
    Skip.NO_TOKEN: "it has no access token: connect it again",
    Skip.MIGRATION_ACTIVE: "its history is being read",
    Skip.CIRCUIT_OPEN: "it has failed too often and is left alone for a while",
}


def fetch(model_admin: OperatorAdmin, request: HttpRequest, connection: Integration) -> None:
    """Queue a poll now, due or not."""
    _fetch(model_admin, request, connection, None)


def fetch_since(model_admin: OperatorAdmin, request: HttpRequest, connection: Integration) -> None:
    """Queue a poll that reads again from the day in the form."""
    day = _day(request.POST.get("since", ""))
    if day is None:
        model_admin.refused(request, "Not started: choose a day from which to read again.")
        return
    _fetch(model_admin, request, connection, day)


def pause(model_admin: OperatorAdmin, request: HttpRequest, connection: Integration) -> None:
    """Poll it no more, until somebody resumes it."""
    _set_paused(model_admin, request, connection, paused=True)


def resume(model_admin: OperatorAdmin, request: HttpRequest, connection: Integration) -> None:
    """Poll it again, and at once: what it rested for is over."""
    _set_paused(model_admin, request, connection, paused=False)


def disconnect(model_admin: OperatorAdmin, request: HttpRequest, connection: Integration) -> None:
    """Remove it; what came of it stays."""
    if disconnecting.disconnect(connection):
        text = f"{connection} is disconnected. What it brought is kept; connect it again to go on."
        model_admin.done(request, connection, "Disconnected.", text)
    else:
        model_admin.refused(request, f"{connection} was disconnected already.")


def initialize(model_admin: OperatorAdmin, request: HttpRequest, connection: Integration) -> None:
    """Read its history again, from where it stopped."""
    job = connecting.queue_initialization(
        connection, by_hand=True, force=True, resume=True, user=signed_in_user(request)
    )
    if job is None:
        model_admin.refused(request, f"{connection} has no history that could be read.")
        return
    model_admin.done(request, connection, f"History: job {job.pk}.", f"The history of {connection} is read.")


def _fetch(
    model_admin: OperatorAdmin, request: HttpRequest, connection: Integration, since: datetime | None
) -> None:
    started = fetching.fetch_now(connection, force=True, since=since, user=signed_in_user(request))
    if started.job is None:
        why = next((text for skip, text in REASONS.items() if skip == started.reason), started.reason)
        model_admin.refused(request, f"{connection} is not polled: {why}.")
        return
    what = f" again from {since:%Y-%m-%d}" if since else ""
    trace = f"Polled{what}: job {started.job.pk}."
    model_admin.done(request, connection, trace, f"{connection} is polled{what}, as {started.job}.")


def _set_paused(
    model_admin: OperatorAdmin, request: HttpRequest, connection: Integration, *, paused: bool
) -> None:
    rested = {} if paused else {"next_attempt_at": None}
    changed = Integration.objects.filter(pk=connection.pk).exclude(paused=paused)
    word = "paused" if paused else "resumed"
    if not changed.update(paused=paused, **rested):
        model_admin.refused(request, f"{connection} was {word} already.")
        return
    model_admin.done(request, connection, f"{word.capitalize()}.", f"{connection} is {word}.")


def _day(text: str) -> datetime | None:
    try:
        day = parse_date(text)
    except ValueError:
        return None
    return datetime(day.year, day.month, day.day, tzinfo=UTC) if day else None
