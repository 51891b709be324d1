"""ZuoraCustomer: a Zuora tenant whose workflows are read, and how that goes."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta
from typing import Any, ClassVar

from django.db import models, transaction
from django.utils import timezone

from accounts.models import Account, AccountStatus
from accounts.models.scoping import AccountScopedManager
from integrations.credentials.fields import EncryptedJSONField
from integrations.models import Integration
from integrations.providers.zuora.errors import PROVIDER
from integrations.providers.zuora.hosts import DataCenter

INSTANCE_TYPE = "workflows"
FRESH_FOR = timedelta(hours=1)
WORKING_ACCOUNTS = (AccountStatus.ACTIVE, AccountStatus.GRACE)


class CustomerStatus(models.TextChoices):
    """Whether a customer is synced with all others. By its id it always may be."""

    ACTIVE = "active", "active"
    INACTIVE = "inactive", "inactive"
    NEEDS_ATTENTION = "needs_attention", "needs attention"


class ZuoraCustomerManager(AccountScopedManager["ZuoraCustomer"]):
    """Finds the customers that are to be synced."""

    def due(self, *, force: bool = False) -> models.QuerySet[ZuoraCustomer]:
        """The active ones that were never synced or not for an hour, by id; with `force` all active ones.

        Those whose connection is paused or whose account is not active are left out.
        """
        works = models.Q(account__status__in=WORKING_ACCOUNTS, account__deactivated_at__isnull=True)
        active = self.filter(works, sync_status=CustomerStatus.ACTIVE, integration__paused=False)
        active = active.order_by("pk")
        if force:
            return active
        stale = models.Q(last_synced_at__isnull=True) | models.Q(
            last_synced_at__lte=timezone.now() - FRESH_FOR
        )
        return active.filter(stale)


class ZuoraCustomer(models.Model):
    """A tenant of Zuora, read with an OAuth client of its own.

    Saving a new one makes its connection, on which its runs hang. `last_synced_at` is the last good sync and
    set by nothing else; the three `rate_limit_` columns are what Zuora said last.
    """

    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="zuora_customers")
    integration = models.OneToOneField(
        Integration, on_delete=models.CASCADE, related_name="zuora_customer", editable=False
    )
    name = models.CharField(max_length=200)
    base_url = models.CharField("data center", max_length=100, choices=DataCenter.choices)
    client_id = models.CharField("client ID", max_length=64)
    client_secret = EncryptedJSONField(default=dict)
    entity_id = models.CharField(
        "entity ID", max_length=64, blank=True, default="", help_text="For multi-entity tenants."
    )
    org_ids = models.CharField(
        "organization IDs", max_length=200, blank=True, default="", help_text="Separated by commas."
    )
    sync_status = models.CharField(
        max_length=20, choices=CustomerStatus.choices, default=CustomerStatus.ACTIVE
    )
    last_synced_at = models.DateTimeField(null=True, blank=True)
    last_sync_started_at = models.DateTimeField(null=True, blank=True)
    last_error = models.CharField(max_length=500, blank=True, default="")
    consecutive_failures = models.PositiveIntegerField(default=0)
    rate_limit_limit = models.PositiveBigIntegerField(null=True, blank=True)
    rate_limit_remaining = models.PositiveBigIntegerField(null=True, blank=True)
    rate_limit_reset_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    objects: ClassVar[ZuoraCustomerManager] = ZuoraCustomerManager()

    class Meta:
        verbose_name = "customer"
        ordering = ("name",)
        constraints = (
            models.UniqueConstraint(
                fields=("account", "base_url", "client_id", "entity_id"),
                name="zuora_customer_client",
                violation_error_message="This account has this client, data center and entity already.",
            ),
        )

    def __str__(self) -> str:
        return self.name

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Make the connection of a new customer, and keep the connection's name in step."""
        with transaction.atomic():
            if not hasattr(self, "integration"):
                self.integration = Integration.objects.create(
                    account=self.account,
                    provider=PROVIDER,
                    instance_type=INSTANCE_TYPE,
                    external_id=str(uuid.uuid4()),
                    name=self.name,
                )
            else:
                stale = Integration.objects.filter(pk=self.integration_id).exclude(name=self.name)
                stale.update(name=self.name)
            super().save(*args, **kwargs)

    @property
    def secret(self) -> str:
        """The client's secret, empty when there is none. Raises SecretUnreadable when no key opens it."""
        return str((self.client_secret or {}).get("client_secret") or "")

    def set_secret(self, text: str) -> None:
        """Put in another secret; not saved yet."""
        self.client_secret = {"client_secret": text}

    def is_fresh(self, now: datetime | None = None) -> bool:
        """Whether it was synced within the last hour; at exactly one hour it is not fresh any more."""
        if self.last_synced_at is None:
            return False
        return self.last_synced_at > (now or timezone.now()) - FRESH_FOR
