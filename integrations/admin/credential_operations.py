"""What operators do to a credential: switch it on and off, and try it. Each leaves a trace and a message."""

from __future__ import annotations

from collections.abc import Callable, Collection

from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest

from integrations.admin.credential_cells import provider
from integrations.admin.ports import credential_sort
from integrations.credentials.encryption import SecretUnreadable
from integrations.http.errors import Fault, IntegrationError
from integrations.models import Credential, CredentialStatus
from synclogs.admin.base import OperatorAdmin

Operation = Callable[[OperatorAdmin, HttpRequest, Credential], None]

REVIVABLE = (CredentialStatus.NEEDS_ATTENTION, CredentialStatus.REVOKED, CredentialStatus.DISABLED)
BY_OPERATOR = "by_an_operator"


def reactivate(model_admin: OperatorAdmin, request: HttpRequest, credential: Credential) -> None:
    """Use a credential again, or say why that makes no sense."""
    if _switch(credential, REVIVABLE, status=CredentialStatus.ACTIVE, status_reason="", failure_count=0):
        model_admin.done(request, credential, "Re-activated.", f"{credential} is used again.")
        return
    text = f"{credential} is {credential.get_status_display()}: not re-activated."
    model_admin.refused(request, text)


def disable(model_admin: OperatorAdmin, request: HttpRequest, credential: Credential) -> None:
    """Use a credential no more, or say why that makes no sense."""
    others = [status for status in CredentialStatus if status != CredentialStatus.DISABLED]
    if _switch(credential, others, status=CredentialStatus.DISABLED, status_reason=BY_OPERATOR):
        model_admin.done(request, credential, "Disabled.", f"{credential} is not used any more.")
        return
    model_admin.refused(request, f"{credential} is disabled already.")


def test(model_admin: OperatorAdmin, request: HttpRequest, credential: Credential) -> None:
    """Make one call with a credential, and say what came of it. A refusal marks it, an answer mends it."""
    sort = credential_sort(credential.provider)
    if sort is None or sort.test is None:
        model_admin.refused(request, f"{provider(credential)} offers no test.")
        return
    try:
        sort.test(credential)
    except IntegrationError as error:
        if error.fault is Fault.CREDENTIAL:
            credential.mark_refused(error.code)
        model_admin.log_change(request, credential, f"Tested: failed ({error.code}).")
        model_admin.refused(request, f"The test failed: {error.message}. {error.actionable_message}")
    except SecretUnreadable as error:
        model_admin.refused(request, f"Not tested: {error}. {error.actionable_message}")
    except ImproperlyConfigured as error:
        model_admin.refused(request, f"Not tested: {error}")
    else:
        credential.mark_used()
        model_admin.done(request, credential, "Tested: works.", f"{sort.label} accepts {credential}.")


def _switch(credential: Credential, from_: Collection[CredentialStatus], **columns: object) -> bool:
    """Set these columns if its status is one of those; False when it is not."""
    changed = Credential.objects.filter(pk=credential.pk, status__in=from_).update(**columns)
    credential.refresh_from_db(fields=["status", "status_reason", "failure_count"])
    return bool(changed)
