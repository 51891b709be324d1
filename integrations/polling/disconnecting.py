"""Ending a connection: nothing comes for it any more, and what came stays."""

from __future__ import annotations

from django.db import transaction
from django.utils import timezone

from integrations.models import Credential, CredentialStatus, Integration

DISCONNECTED = "disconnected"


def disconnect(connection: Integration) -> bool:
    """Remove a connection; with the last one of a credential, that is revoked. Whether it was there.

    Connecting again brings the row back. The vendor is not told.
    """
    with transaction.atomic():
        credential = Credential.objects.select_for_update().filter(integrations=connection).first()
        there = Integration.objects.filter(pk=connection.pk, deleted_at=None)
        if not there.update(deleted_at=timezone.now()):
            return False
        if credential is not None and not credential.integrations.filter(deleted_at=None).exists():
            Credential.objects.filter(pk=credential.pk).update(
                status=CredentialStatus.REVOKED, status_reason=DISCONNECTED
            )
    return True
