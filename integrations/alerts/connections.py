"""Alerts about connections as such: a breaker that opened, a consent that ends soon."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from django.db import transaction
from django.utils import timezone

from integrations.models import Credential, CredentialStatus, Integration
from synclogs.alerts import Problem, report_problem, report_recovery
from synclogs.models import Alert, AlertSeverity, AlertState

CONSENT_DAYS = (1, 7, 14)
IN_USE = (CredentialStatus.ACTIVE, CredentialStatus.PENDING_APPROVAL)


def breaker_changed(connection: Integration, is_down: bool) -> None:
    """Warn once when a breaker opens; it is over when it closes."""
    if is_down:
        report_problem(
            Problem(
                rule="breaker",
                severity=AlertSeverity.WARNING,
                source=connection.provider,
                message=f"{connection} keeps failing and is left alone for an hour",
                error_code="circuit_open",
                actionable_message="Look at its last error and the vendor's status page; it is tried again.",
                account_id=connection.account_id,
                integration_id=connection.pk,
            )
        )
        return
    report_recovery(Alert.objects.filter(rule="breaker", integration=connection))


@transaction.atomic
def check_consents() -> list[Problem]:
    """Warn 14, 7 and 1 days before consents end; what was renewed, ended or removed is over."""
    problems = list(_ending_consents(timezone.now()))
    for problem in problems:
        report_problem(problem)
    lasting = [problem.fingerprint for problem in problems]
    report_recovery(
        Alert.objects.filter(rule="consent", state=AlertState.OPEN).exclude(fingerprint__in=lasting)
    )
    return problems


def _ending_consents(now: datetime) -> Iterator[Problem]:
    soon = Credential.objects.filter(
        status__in=IN_USE,
        refresh_expires_at__gt=now,
        refresh_expires_at__lte=now + timedelta(days=max(CONSENT_DAYS)),
    ).order_by("refresh_expires_at")
    for credential in soon.select_related("account", "user").iterator():
        ends = credential.refresh_expires_at
        if ends is None:
            continue
        days = min(day for day in CONSENT_DAYS if ends <= now + timedelta(days=day))
        yield Problem(
            rule="consent",
            severity=AlertSeverity.WARNING,
            source=f"{credential.provider} credential {credential.pk}",
            message=f"the consent of {credential} ends {ends:%Y-%m-%d}",
            error_code=f"consent_{days}",
            actionable_message="Open the credential and press Reconnect before that day.",
            account_id=credential.account_id,
            context={"credential": credential.pk, "days": days},
        )
