"""What operators do to credentials: each leaves a trace and a message."""

from __future__ import annotations

from collections.abc import Callable

from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest

from integrations.credentials.encryption import SecretUnreadable
from integrations.http.errors import IntegrationError
from integrations.providers.servicetitan import services
from integrations.providers.servicetitan.config import SyncConfiguration
from integrations.providers.servicetitan.errors import InvalidCredentialsError
from integrations.providers.servicetitan.models import CredentialState, ServiceTitanCredential
from synclogs.admin.base import OperatorAdmin, signed_in_user
from synclogs.admin.words import counted
from synclogs.models import Job, SyncTrigger

Operation = Callable[[OperatorAdmin, HttpRequest, ServiceTitanCredential], Job | None]

BY_OPERATOR = "Switched off by an operator."


def test(page: OperatorAdmin, request: HttpRequest, credential: ServiceTitanCredential) -> None:
    """Ask ServiceTitan for a token and a customer. A refusal marks the credential, an answer mends it."""
    try:
        services.check_credential(credential)
    except InvalidCredentialsError as error:
        credential.mark_needs_attention(str(error))
        page.log_change(request, credential, "Tested: refused.")
        page.refused(request, f"The test failed: {error.message}. {error.actionable_message}.")
    except IntegrationError as error:
        page.log_change(request, credential, f"Tested: failed ({error.code}).")
        page.refused(request, f"The test failed: {error.message}. {error.actionable_message}.")
    except SecretUnreadable as error:
        page.refused(request, f"Not tested: {error}. {error.actionable_message}")
    except ImproperlyConfigured as error:
        page.refused(request, f"Not tested: {error}")
    else:
        credential.mark_working()
        page.done(request, credential, "Tested: works.", f"ServiceTitan accepts {credential}.")


def reactivate(page: OperatorAdmin, request: HttpRequest, credential: ServiceTitanCredential) -> None:
    """Use a credential again."""
    if credential.switch(CredentialState.ACTIVE):
        page.done(request, credential, "Re-activated.", f"{credential} is used again.")
    else:
        page.refused(request, f"{credential} is active already.")


def disable(page: OperatorAdmin, request: HttpRequest, credential: ServiceTitanCredential) -> None:
    """Use a credential no more."""
    if credential.switch(CredentialState.DISABLED, BY_OPERATOR):
        page.done(request, credential, "Disabled.", f"{credential} is not used any more.")
    else:
        page.refused(request, f"{credential} is disabled already.")


def sync(page: OperatorAdmin, request: HttpRequest, credential: ServiceTitanCredential) -> Job | None:
    """Queue a sync of what is new."""
    if credential.status == CredentialState.DISABLED:
        page.refused(request, f"{credential} is disabled: re-activate it first.")
        return None
    config = SyncConfiguration(sync_trigger=SyncTrigger.MANUAL, incremental_only=True)
    job = services.queue_sync(credential, config, signed_in_user(request))
    page.done(
        request, credential, f"Queued a sync: job {job.pk}.", f"A sync of {credential} is queued as {job}."
    )
    return job


def retry(page: OperatorAdmin, request: HttpRequest, credential: ServiceTitanCredential) -> Job | None:
    """Queue what failed and was not made up for, however long ago."""
    user = signed_in_user(request)
    jobs = services.queue_retries(max_age_hours=None, of=[credential.pk], triggered_by=user)
    if not jobs:
        page.refused(request, f"No failed sync of {credential} is left to retry.")
        return None
    named = ", ".join(str(job) for job in jobs)
    text = f"{counted(len(jobs), 'failed sync')} of {credential} queued again: {named}."
    page.done(request, credential, f"Retried failed syncs: {named}.", text)
    return jobs[0]
