"""WebhookDelivery: a received webhook, stored raw before it is acknowledged."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, ClassVar

from django.db import models

from accounts.models import Account
from accounts.models.scoping import AccountScopedManager
from integrations.models.credential import Credential

if TYPE_CHECKING:
    from django.db.models.manager import Manager


class DeliveryStatus(models.TextChoices):
    """What became of a delivery."""

    RECEIVED = "received", "received"
    IGNORED = "ignored", "ignored"
    QUEUED = "queued", "queued"
    PROCESSED = "processed", "processed"
    FAILED = "failed", "failed"
    REJECTED = "rejected", "rejected"


class WebhookDelivery(models.Model):
    """One authenticated delivery, kept whole; or one minute of refused ones, without any body.

    `event_id` is the vendor's id of the delivery, or the body's SHA-256 where there is none; a repeat raises
    `duplicates`. `headers` are redacted. `rejected_slot` (provider, reason and minute) and `rejected_count`
    are set on rejected rows only, which have no credential.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    provider = models.CharField(max_length=40)
    account = models.ForeignKey(
        Account, null=True, blank=True, on_delete=models.CASCADE, related_name="webhook_deliveries"
    )
    credential = models.ForeignKey(
        Credential, null=True, blank=True, on_delete=models.CASCADE, related_name="webhook_deliveries"
    )
    received_at = models.DateTimeField()
    event_id = models.CharField(max_length=200)
    duplicates = models.PositiveIntegerField(default=0)
    attempt_no = models.PositiveIntegerField(default=0)
    headers = models.JSONField(default=dict, blank=True)
    content_type = models.CharField(max_length=100, blank=True, default="")
    body = models.BinaryField(null=True)
    body_sha256 = models.CharField(max_length=64, blank=True, default="")
    body_size = models.PositiveBigIntegerField(default=0)
    status = models.CharField(max_length=20, choices=DeliveryStatus.choices, default=DeliveryStatus.RECEIVED)
    http_status_returned = models.PositiveSmallIntegerField(null=True, blank=True)
    error = models.CharField(max_length=500, blank=True, default="")
    notes = models.JSONField(default=dict, blank=True)
    processed_at = models.DateTimeField(null=True, blank=True)
    rejected_slot = models.CharField(max_length=120, null=True, blank=True, unique=True)
    rejected_count = models.PositiveIntegerField(default=0)

    objects: ClassVar[Manager[WebhookDelivery]] = AccountScopedManager()

    class Meta:
        db_table = "webhook_deliveries"
        verbose_name_plural = "webhook deliveries"
        ordering = ("-received_at",)
        constraints = (
            models.UniqueConstraint(fields=("credential", "event_id"), name="webhook_delivery_event"),
        )
        indexes = (
            models.Index(fields=("provider", "received_at"), name="webhook_delivery_received"),
            models.Index(fields=("status", "received_at"), name="webhook_delivery_status"),
        )

    def __str__(self) -> str:
        return f"{self.provider} {self.event_id}"
