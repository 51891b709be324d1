"""Coming back from a consent page: the state is checked, the code exchanged, the token tried, then kept."""

from __future__ import annotations

import hmac
import logging
from collections.abc import Mapping

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from accounts.models import User
from integrations.http.errors import IntegrationError
from integrations.models import (
    Credential,
    CredentialStatus,
    Integration,
    IntegrationStatus,
    OAuthAuthorization,
)
from integrations.oauth import errors
from integrations.oauth.applications import client_of
from integrations.oauth.declaration import Identity, OAuth
from integrations.oauth.start import digest
from integrations.registry import Provider
from integrations.tokens import TokenReply
from integrations.tokens.credential import keep_token

logger = logging.getLogger("syncplatform.oauth")

KIND = "oauth2"


def finish(
    provider: Provider, oauth: OAuth, answer: Mapping[str, str], *, user: User, session_key: str
) -> Credential:
    """The credential that is connected now. `answer` is the query that the vendor sent the person back with.

    Raises AuthorizationFailed, and changes no credential, when anything is not as it should be.
    """
    visit = _visit(provider, answer.get("state", ""), user, session_key)
    try:
        return _take(provider, oauth, visit, answer)
    except errors.AuthorizationFailed as error:
        logger.warning("%s was not connected for user %s: %s", provider.slug, user.pk, error.code)
        OAuthAuthorization.objects.filter(pk=visit.pk).update(outcome=error.code)
        raise


def _visit(provider: Provider, state: str, user: User, session_key: str) -> OAuthAuthorization:
    """The visit that a state belongs to; from now on it is used."""
    visit = OAuthAuthorization.objects.filter(provider=provider.slug, state_hash=digest(state)).first()
    if visit is None:
        raise errors.unknown_state()
    same_session = hmac.compare_digest(visit.session_hash, digest(session_key))
    if visit.user_id != user.pk or not same_session:
        raise errors.other_session()
    if not OAuthAuthorization.objects.filter(pk=visit.pk, used_at=None).update(used_at=timezone.now()):
        raise errors.used()
    return visit


def _take(
    provider: Provider, oauth: OAuth, visit: OAuthAuthorization, answer: Mapping[str, str]
) -> Credential:
    if visit.expires_at <= timezone.now():
        raise errors.expired()
    if answer.get("error"):
        raise errors.declined(provider.label, answer["error"], answer.get("error_description", ""))
    if not answer.get("code"):
        raise errors.no_code(provider.label)
    try:
        reply = oauth.endpoint().exchange(
            client_of(visit.application),
            answer["code"],
            visit.redirect_uri,
            str(visit.secrets.get("code_verifier") or ""),
        )
        identity = oauth.identify(reply)
    except IntegrationError as error:
        raise errors.token_failed(provider.label, error.message, error.actionable_message) from None
    known = _known_credential(visit, oauth, identity)
    if known is not None and known.external_id not in ("", identity.external_id):
        _forget(oauth, reply)
        raise errors.other_account(provider.label)
    return _keep(oauth, visit, reply, identity, known)


def _known_credential(visit: OAuthAuthorization, oauth: OAuth, identity: Identity) -> Credential | None:
    """The one to reconnect: the one that was asked for, else the one of the same vendor account."""
    if visit.credential is not None:
        return visit.credential
    return Credential.objects.filter(
        account=visit.account,
        provider=visit.provider,
        user=visit.user if oauth.personal else None,
        external_id=identity.external_id,
    ).first()


def _forget(oauth: OAuth, reply: TokenReply) -> None:
    """End a token that is not wanted; best effort, as it ends by itself."""
    if oauth.forget is None:
        return
    try:
        oauth.forget(reply)
    except IntegrationError as error:
        logger.warning("a token that is not wanted was not ended at the vendor: %s", error)


@transaction.atomic
def _keep(
    oauth: OAuth, visit: OAuthAuthorization, reply: TokenReply, identity: Identity, known: Credential | None
) -> Credential:
    if known is not None:
        row = Credential.objects.select_for_update().get(pk=known.pk)
    else:
        row = Credential(
            account=visit.account, user=visit.user if oauth.personal else None, provider=visit.provider
        )
    row.kind = KIND
    row.external_id = identity.external_id
    row.label = row.label or identity.label
    row.auth_metadata = {**row.auth_metadata, **identity.metadata, "application": visit.application_id}
    row.status = CredentialStatus.PENDING_APPROVAL if oauth.waits_for_approval else CredentialStatus.ACTIVE
    row.status_reason, row.failure_count, row.sca_approved_at = "", 0, None
    row.save()
    keep_token(row, reply)
    _mend_connections(row)
    oauth.connected(row)
    OAuthAuthorization.objects.filter(pk=visit.pk).update(outcome="connected", credential=row)
    return row


def _mend_connections(credential: Credential) -> None:
    """What stood still for want of a credential goes on at the next look."""
    Integration.objects.filter(
        Q(status=IntegrationStatus.NEEDS_ATTENTION) | Q(next_attempt_at__isnull=False), credential=credential
    ).update(status=IntegrationStatus.ACTIVE, status_reason="", next_attempt_at=None)
