"""Which client a vendor knows this installation by."""

from __future__ import annotations

from django.db.models import Q

from accounts.models import Account
from accounts.models.account import PLATFORM_SUBDOMAIN
from integrations.models import Credential, OAuthApplication
from integrations.tokens import ClientSecrets, NeedsReconnect


def application_for(account: Account, provider: str, environment: str = "") -> OAuthApplication | None:
    """The account's own application, else the one that all accounts connect through; None without either."""
    found = OAuthApplication.objects.filter(
        Q(account=account) | Q(account__subdomain=PLATFORM_SUBDOMAIN),
        provider=provider,
        environment=environment,
        enabled=True,
    )
    return min(found, key=lambda application: application.account_id != account.pk, default=None)


def client_of(application: OAuthApplication) -> ClientSecrets:
    """What the vendor knows it by. Raises SecretUnreadable when no key opens its secret."""
    return ClientSecrets(application.client_id, str((application.secrets or {}).get("client_secret") or ""))


def client_for(credential: Credential) -> ClientSecrets:
    """The client that a credential's token belongs to. Raises NeedsReconnect when it is gone."""
    pk = credential.auth_metadata.get("application")
    application = OAuthApplication.objects.filter(pk=pk, enabled=True).first() if pk else None
    if application is None:
        raise NeedsReconnect(
            f"the OAuth application of credential {credential.pk} is gone or switched off",
            provider=credential.provider,
            actionable_message="Enable or enter the application under OAuth applications, then reconnect.",
        )
    return client_of(application)
