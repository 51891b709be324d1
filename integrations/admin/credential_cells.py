"""What lists and pages say of a credential. Nothing here looks at its secrets."""

from __future__ import annotations

from django.utils import timezone
from django.utils.safestring import SafeString

from integrations.admin.ports import credential_sort
from integrations.models import Credential, CredentialStatus
from synclogs.admin import html
from synclogs.admin.words import humanized, number

TONES = {
    CredentialStatus.PENDING_APPROVAL: "warn",
    CredentialStatus.ACTIVE: "ok",
    CredentialStatus.NEEDS_ATTENTION: "bad",
    CredentialStatus.REVOKED: "bad",
    CredentialStatus.DISABLED: "mute",
}
REASONS = {
    "reauth": "has to be connected again",
    "approval_timeout": "nobody approved the access in time",
}
WHAT_TO_DO = {
    CredentialStatus.PENDING_APPROVAL: "It waits for its owner's approval at the vendor.",
    CredentialStatus.ACTIVE: "It is used. There is nothing to do.",
    CredentialStatus.NEEDS_ATTENTION: (
        "The vendor refused it: it is not used. Enter new secrets or reconnect, or test it once it is mended."
    ),
    CredentialStatus.REVOKED: "Its owner withdrew it at the vendor. Enter new secrets or reconnect.",
    CredentialStatus.DISABLED: "An operator switched it off. Re-activate uses it again.",
}


def in_words(reason: str) -> str:
    """A reason's code for people."""
    return REASONS.get(reason) or humanized(reason)


def provider(credential: Credential) -> str:
    """The vendor's name."""
    sort = credential_sort(credential.provider)
    return sort.label if sort else humanized(credential.provider)


def status(credential: Credential) -> SafeString:
    """The status in its color, and why."""
    tone = TONES[CredentialStatus(credential.status)]
    reason = in_words(credential.status_reason)
    return html.joined([html.label(credential.get_status_display(), tone), html.muted(reason)])


def owner(credential: Credential) -> SafeString:
    """The account, and the user it belongs to if it is nobody's but theirs."""
    of = str(credential.user) if credential.user else "for the whole account"
    return html.stacked(str(credential.account), html.muted(of))


def failures(credential: Credential) -> SafeString:
    """How often it was refused since it last worked."""
    if not credential.failure_count:
        return html.muted("0")
    return html.chip(credential.failure_count, "refused", "bad")


def expires(credential: Credential) -> SafeString:
    """When it ends; marked when that is past."""
    moment = credential.expires_at
    if moment is None:
        return html.muted("never")
    shown = html.when(moment)
    return html.joined([html.label("expired", "bad"), shown]) if moment <= timezone.now() else shown


def failures_text(credential: Credential) -> str:
    """The same, in a form."""
    return number(credential.failure_count)
