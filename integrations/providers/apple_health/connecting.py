"""Connecting a person's phone: one credential, a connection a kind of data, and the address for the app."""

from __future__ import annotations

from django.db import transaction

from accounts.models import Account, User
from integrations.models import Credential, Integration
from integrations.providers.apple_health.envelope import MAPPED
from integrations.providers.apple_health.slug import PROVIDER


def connect(account: Account, user: User) -> Credential:
    """The credential of a user's phone with its connections; made when there is none yet."""
    with transaction.atomic():
        credential, _ = Credential.objects.get_or_create(
            account=account,
            user=user,
            provider=PROVIDER,
            external_id="",
            defaults={"kind": "webhook", "label": f"Phone of {user}", "secrets": {}},
        )
        make_connections(credential)
    return credential


def make_connections(credential: Credential) -> None:
    """One connection a kind of data; those that were removed are restored."""
    for instance_type in MAPPED:
        _connection(credential, instance_type)


def connection_of(credential: Credential, instance_type: str) -> Integration | None:
    """Its connection for workouts or metrics, if there is one."""
    return Integration.objects.filter(
        credential=credential, instance_type=instance_type, deleted_at=None
    ).first()


def _connection(credential: Credential, instance_type: str) -> None:
    """Make it, or restore the one that was removed."""
    known = Integration.objects.filter(credential=credential, instance_type=instance_type)
    if known.exists():
        known.update(deleted_at=None)
        return
    Integration.objects.create(
        account=credential.account,
        user=credential.user,
        credential=credential,
        provider=PROVIDER,
        instance_type=instance_type,
        name=f"Apple Health {instance_type} of {credential.user or credential.account}",
    )
