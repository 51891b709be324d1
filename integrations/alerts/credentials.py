"""Alerts about credentials that were refused while the work went on without them."""

from __future__ import annotations

from integrations.http.errors import IntegrationError
from integrations.models import Credential, CredentialStatus
from synclogs.alerts import Problem, report_problem, report_recovery
from synclogs.models import Alert, AlertSeverity, AlertState

SOURCE = "credentials"


def report_refused(credential: Credential, error: IntegrationError) -> Alert:
    """Say that the vendor refused a credential. A run that fails of it is alerted about by itself."""
    return report_problem(
        Problem(
            rule="credential_refused",
            severity=AlertSeverity.CRITICAL,
            source=SOURCE,
            message=f"{credential} was refused and is not used any more",
            error_code=error.code,
            actionable_message="Have its owner's new login entered under Credentials, or delete it there.",
            account_id=credential.account_id,
            context={"row": credential.pk},
        )
    )


def recover_mended() -> int:
    """End the alerts of credentials that work again, were switched off or are gone; returns how many."""
    told = Alert.objects.filter(source=SOURCE, state=AlertState.OPEN)
    of = {alert.pk: alert.context.get("row") for alert in told}
    if not of:
        return 0
    waiting = Credential.objects.filter(pk__in=of.values(), status=CredentialStatus.NEEDS_ATTENTION)
    still = set(waiting.values_list("pk", flat=True))
    return report_recovery(
        told.filter(pk__in=[alert for alert, credential in of.items() if credential not in still])
    )
