"""What stands above a connection's form: how it is doing in one sentence, and what can be done about it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.safestring import SafeString

from accounts.models import Account, User
from integrations.admin.credential_cells import in_words
from integrations.jobs import breaker
from integrations.models import (
    Credential,
    CredentialStatus,
    InitStatus,
    Integration,
    IntegrationStatus,
    RateBudget,
)
from integrations.registry import Provider, all_providers
from synclogs.admin import html
from synclogs.admin.words import counted

RECONNECT = "integrations.change_credential"


def health(connection: Integration) -> SafeString:
    """One word on whether it works."""
    if connection.paused:
        return html.label("paused", "mute")
    credential = connection.credential
    if credential is not None and credential.status == CredentialStatus.PENDING_APPROVAL:
        return html.label("waiting for approval", "warn")
    if connection.status == IntegrationStatus.NEEDS_ATTENTION or _is_refused(credential):
        reason = connection.status_reason or (credential.status_reason if credential else "")
        return html.joined([html.label("needs attention", "bad"), html.muted(in_words(reason))])
    if breaker.is_open(connection):
        title = "It failed five times within an hour and is left alone for an hour."
        again = html.when(connection.breaker_open_until)
        return html.joined([html.label("breaker open", "bad", title=title), html.muted("tried again"), again])
    if connection.init_status in (InitStatus.PENDING, InitStatus.RUNNING):
        return html.label("reading its history", "info")
    if connection.error_count:
        return html.label(f"failing ({counted(connection.error_count, 'error')})", "warn")
    if last_success(connection) is None:
        return html.label("never synced", "mute")
    return html.label("healthy", "ok")


def last_success(connection: Integration) -> datetime | None:
    """When data last came in: from a poll or a sync, or from a webhook that was processed."""
    moments = (connection.last_successful_update_at, connection.last_processed_at)
    return max((moment for moment in moments if moment is not None), default=None)


def breaker_text(connection: Integration) -> SafeString:
    """Whether the breaker is open, and how many failures it has counted."""
    counted_text = (
        f"{counted(connection.breaker_failures, 'failure')} within an hour; {breaker.THRESHOLD} open it"
    )
    if breaker.is_open(connection):
        return html.stacked(
            html.joined(
                [
                    html.label("open", "bad"),
                    html.muted("closes for a try"),
                    html.when(connection.breaker_open_until),
                ]
            ),
            html.muted(counted_text),
        )
    if connection.breaker_open_until is not None:
        return html.stacked(html.label("tried again", "warn"), html.muted("the next success closes it"))
    if connection.breaker_failures:
        return html.stacked(html.label("closed", "ok"), html.muted(counted_text))
    return html.label("closed", "ok")


def advice(connection: Integration) -> str:
    """What to do about it, in a sentence."""
    credential = connection.credential
    if connection.paused:
        return "It is paused: nothing starts by itself until somebody resumes it."
    if credential is not None and credential.status == CredentialStatus.PENDING_APPROVAL:
        return "Its owner has to approve the access in the vendor's app; it is waited for."
    if _is_refused(credential):
        return (
            "The vendor does not take its credential any more. Reconnect it; until then nothing is fetched."
        )
    if breaker.is_open(connection):
        return "It keeps failing, so it is left alone for an hour. Read the last error; it goes on by itself."
    if connection.error_count:
        return "The last tries failed. Read the last error; it is tried again by itself."
    return ""


def context(request: HttpRequest, connection: Integration) -> dict[str, Any]:
    """What the template of the page's head needs."""
    credential, user = connection.credential, request.user
    return {
        "connection": connection,
        "health": health(connection),
        "advice": advice(connection),
        "reconnect": credential if can_reconnect(credential) and user.has_perm(RECONNECT) else None,
        "budgets": list(budgets_of(connection)),
    }


def connect_context(user: User) -> dict[str, Any]:
    """What the page needs on which a vendor is chosen: vendors, and accounts that the user may see."""
    seen = Account.objects.all() if user.sees_all_accounts else Account.objects.filter(membership__user=user)
    return {"vendors": oauth_providers(), "accounts": seen.order_by("name")}


def can_reconnect(credential: Credential | None) -> bool:
    """Whether a credential came through a consent page."""
    return credential is not None and oauth_provider(credential.provider) is not None


def oauth_provider(slug: str) -> Provider | None:
    """The provider of this name if people connect through its consent page."""
    return next((each for each in oauth_providers() if each.slug == slug), None)


def oauth_providers() -> list[Provider]:
    """Every provider that people connect through its consent page."""
    return [each for each in all_providers() if each.oauth is not None]


def budgets_of(connection: Integration) -> QuerySet[RateBudget]:
    """The limits of its vendor that are stopped now: why nothing may be fetched just now."""
    return RateBudget.objects.filter(
        provider=connection.provider,
        account__in=[connection.account_id],
        blocked_until__gt=timezone.now(),
    ) | RateBudget.objects.filter(
        provider=connection.provider, account__isnull=True, blocked_until__gt=timezone.now()
    )


def _is_refused(credential: Credential | None) -> bool:
    stopped = (CredentialStatus.NEEDS_ATTENTION, CredentialStatus.REVOKED, CredentialStatus.DISABLED)
    return credential is not None and credential.status in stopped
