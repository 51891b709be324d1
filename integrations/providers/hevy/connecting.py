"""Connecting Hevy: somebody's API key becomes a connection that is polled."""

from __future__ import annotations

from integrations.models import Credential, Integration
from integrations.providers.hevy.client import PROVIDER

WORKOUTS = "workouts"


def connect(credential: Credential) -> Integration:
    """The connection of a key, made or brought back; the history of a new one is read by itself."""
    connection, made = Integration.objects.get_or_create(
        credential=credential,
        instance_type=WORKOUTS,
        defaults={
            "account": credential.account,
            "user": credential.user,
            "provider": PROVIDER,
            "external_id": str(credential.pk),
            "name": f"Hevy workouts of {credential.user or credential.account}",
            "configuration": {"update_frequency_minutes": 30},
        },
    )
    if not made and connection.deleted_at is not None:
        Integration.objects.filter(pk=connection.pk).update(deleted_at=None)
    return connection
