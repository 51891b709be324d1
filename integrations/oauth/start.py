"""Sending a person to a vendor's consent page."""

from __future__ import annotations

import hashlib
import secrets
from datetime import timedelta
from urllib.parse import urlsplit

from django.utils import timezone
from oauthlib.oauth2 import WebApplicationClient

from accounts.models import Account, User
from integrations.models import Credential, OAuthAuthorization
from integrations.oauth import errors
from integrations.oauth.applications import application_for
from integrations.oauth.declaration import OAuth
from integrations.registry import Provider
from synclogs.redaction import register_secret

VALID_MINUTES = 10
VERIFIER_LENGTH = 64


def digest(text: str) -> str:
    """What is kept of a state or a session's key."""
    return hashlib.sha256(text.encode()).hexdigest()


def start(
    provider: Provider,
    oauth: OAuth,
    *,
    account: Account,
    user: User,
    session_key: str,
    redirect_uri: str,
    credential: Credential | None = None,
) -> str:
    """The address of the consent page, for this user in this session; `credential` is to be reconnected.

    Raises AuthorizationFailed when no application is entered.
    """
    application = application_for(account, provider.slug)
    if application is None:
        raise errors.not_configured(provider.label)
    state = secrets.token_urlsafe(32)
    register_secret(state)
    client = WebApplicationClient(application.client_id)
    verifier = client.create_code_verifier(VERIFIER_LENGTH) if oauth.pkce else ""
    OAuthAuthorization.objects.create(
        provider=provider.slug,
        application=application,
        account=account,
        user=user,
        credential=credential,
        state_hash=digest(state),
        session_hash=digest(session_key),
        secrets={"code_verifier": verifier},
        redirect_uri=redirect_uri,
        expires_at=timezone.now() + timedelta(minutes=VALID_MINUTES),
    )
    # oauthlib insists on https, which a simulator on this machine has not: it only makes the query.
    query = urlsplit(
        client.prepare_request_uri(
            "https://vendor.invalid/",
            redirect_uri=redirect_uri,
            scope=list(oauth.scopes) or None,
            state=state,
            code_challenge=client.create_code_challenge(verifier, "S256") if verifier else None,
            code_challenge_method="S256",
            **oauth.parameters,
        )
    ).query
    address = oauth.authorize_url()
    return f"{address}{'&' if urlsplit(address).query else '?'}{query}"
