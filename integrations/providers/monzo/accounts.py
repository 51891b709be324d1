"""What is known of a credential's accounts: their kinds, and which may be read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from integrations.http.errors import BadReply
from integrations.models import Credential, Integration
from integrations.providers.monzo.client import PROVIDER, Record

KNOWN = "accounts"
CURRENT = ("uk_retail", "uk_retail_joint", "uk_prepaid")


def account_id(account: Mapping[str, Any]) -> str:
    """An account's id. Raises BadReply when it has none: nothing of it could be read."""
    value = account.get("id") if isinstance(account, dict) else None
    if not isinstance(value, str) or not value:
        raise BadReply("an account without an id", provider=PROVIDER)
    return value


def is_closed(account: Mapping[str, Any]) -> bool:
    """Whether it is read no more, once its history is there."""
    return account.get("closed") is True


def has_pots(account: Mapping[str, Any]) -> bool:
    """Whether it is a current account: pots belong to no other."""
    return account.get("type") in CURRENT


def remember(credential: Credential, accounts: Iterable[Record]) -> None:
    """Keep the kinds of the accounts, by which webhooks are matched; written only when they changed."""
    kinds = {account_id(account): str(account.get("type") or "") for account in accounts}
    fresh = Credential.objects.get(pk=credential.pk)
    if fresh.auth_metadata.get(KNOWN) != kinds:
        Credential.objects.filter(pk=credential.pk).update(
            auth_metadata={**fresh.auth_metadata, KNOWN: kinds}
        )


def known_kinds(credential: Credential) -> dict[str, str]:
    """Kinds by account id, as they were seen last; empty before the first look."""
    found = credential.auth_metadata.get(KNOWN)
    return dict(found) if isinstance(found, dict) else {}


def credential_of(integration: Integration) -> Credential:
    """The credential of a connection. Raises Credential.DoesNotExist without one."""
    if integration.credential is None:
        raise Credential.DoesNotExist(f"connection {integration.pk} has no credential")
    return integration.credential
