"""WebhookKey: the secret part of an address that a vendor sends webhooks to."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from integrations.credentials.fields import EncryptedJSONField
from integrations.models.credential import Credential


class WebhookKey(models.Model):
    """One key of a credential's webhook address; during a rotation there are several.

    `digest` is a keyed hash of provider and key, by which a delivery's credential is found. `sealed` holds
    the key itself (`{"key": ...}`), since some vendors want to be told the address again. From `retires_at`
    on the key is unknown.
    """

    credential = models.ForeignKey(Credential, on_delete=models.CASCADE, related_name="webhook_keys")
    provider = models.CharField(max_length=40)
    digest = models.CharField(max_length=64, unique=True, editable=False)
    sealed = EncryptedJSONField(default=dict)
    created_at = models.DateTimeField(auto_now_add=True)
    retires_at = models.DateTimeField(null=True, blank=True)

    objects: ClassVar[models.Manager[WebhookKey]] = models.Manager()

    class Meta:
        db_table = "webhook_keys"
        ordering = ("credential", "-created_at", "-pk")

    def __str__(self) -> str:
        return f"webhook key {self.pk} of {self.provider}"
