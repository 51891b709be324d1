"""What the end of a poll says about its connection: docs/jobs.md, "Polling"."""

from __future__ import annotations

from datetime import timedelta

from django.db.models import F
from django.utils import timezone

from integrations.http.errors import Fault, IntegrationError
from integrations.jobs.outcomes import Decision
from integrations.models import Integration, IntegrationStatus
from synclogs.redaction import redact_text

DEFAULT_FREQUENCY_MINUTES = 15
MIN_FREQUENCY_MINUTES = 5
LEAST_COOLING = timedelta(minutes=15)
REAUTH = "reauth"


def frequency(integration: Integration) -> timedelta:
    """How often a connection is polled: `update_frequency_minutes` of its configuration, 15 unless said, at
    least 5.
    """
    minutes = integration.configuration.get("update_frequency_minutes", DEFAULT_FREQUENCY_MINUTES)
    if isinstance(minutes, bool) or not isinstance(minutes, int | float):
        minutes = DEFAULT_FREQUENCY_MINUTES
    return timedelta(minutes=max(minutes, MIN_FREQUENCY_MINUTES))


def worked(integration: Integration) -> None:
    """A fetch has handed everything over: the connection works, and its errors are forgotten."""
    now = timezone.now()
    Integration.objects.filter(pk=integration.pk).update(
        status=IntegrationStatus.ACTIVE,
        status_reason="",
        last_successful_update_at=now,
        last_triggered_at=now,
        next_attempt_at=None,
        error_count=0,
        last_error_at=None,
        last_error_code="",
        last_error_message="",
    )


def failed(integration: Integration, decision: Decision) -> None:
    """A fetch has failed for good: note why, and leave the connection alone for a while.

    A vendor that refused the credential makes it need attention, which stops the polling of all its
    connections until it is reconnected.
    """
    now = timezone.now()
    changes = {
        "last_triggered_at": None,
        "next_attempt_at": now + max(frequency(integration), LEAST_COOLING),
        "processing_started_at": None,
        "error_count": F("error_count") + 1,
        "last_error_at": now,
        "last_error_code": decision.code,
        "last_error_message": redact_text(decision.message)[:500],
    }
    if isinstance(decision.error, IntegrationError) and decision.error.fault == Fault.CREDENTIAL:
        changes |= {"status": IntegrationStatus.NEEDS_ATTENTION, "status_reason": decision.code}
        if integration.credential is not None:
            integration.credential.mark_refused(REAUTH)
    Integration.objects.filter(pk=integration.pk).update(**changes)
