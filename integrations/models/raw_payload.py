"""RawPayload: a fetched or received chunk, kept until it is processed, and for replay."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, ClassVar

from django.db import models

from accounts.models import Account
from accounts.models.scoping import AccountScopedManager
from integrations.models.integration import Integration
from integrations.models.webhook_delivery import WebhookDelivery
from synclogs.models import SyncLog

if TYPE_CHECKING:
    from django.db.models.manager import Manager


class RawPayload(models.Model):
    """A chunk of one kind of items. `body` is JSON text, a list with the items as they were received.

    `context` is what processing needs besides the items (an account's id, the delivery's headers).
    `byte_size` is that of `body` in UTF-8; `split_from` the chunk that this is a half of. A payload that is
    not processed never expires.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="raw_payloads")
    integration = models.ForeignKey(Integration, on_delete=models.CASCADE, related_name="raw_payloads")
    run = models.ForeignKey(
        SyncLog, null=True, blank=True, on_delete=models.SET_NULL, related_name="raw_payloads"
    )
    delivery = models.ForeignKey(
        WebhookDelivery, null=True, blank=True, on_delete=models.SET_NULL, related_name="raw_payloads"
    )
    split_from = models.ForeignKey(
        "self", null=True, blank=True, on_delete=models.SET_NULL, related_name="halves"
    )
    kind = models.CharField(max_length=60)
    context = models.JSONField(default=dict, blank=True)
    body = models.TextField()
    sha256 = models.CharField(max_length=64)
    item_count = models.PositiveIntegerField()
    byte_size = models.PositiveIntegerField()
    received_at = models.DateTimeField()
    processed_at = models.DateTimeField(null=True, blank=True)
    expires_at = models.DateTimeField(null=True, blank=True, db_index=True)

    objects: ClassVar[Manager[RawPayload]] = AccountScopedManager()

    class Meta:
        db_table = "raw_payloads"
        verbose_name = "payload"
        ordering = ("-received_at",)
        indexes = (
            models.Index(fields=("integration", "received_at"), name="raw_payload_received"),
            models.Index(fields=("run", "processed_at"), name="raw_payload_run"),
        )

    def __str__(self) -> str:
        return f"{self.kind} ({self.item_count})"
