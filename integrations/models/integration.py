"""Integration: an account's connection to a provider."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from django.conf import settings
from django.db import models

from accounts.models import Account
from accounts.models.scoping import AccountScopedManager

if TYPE_CHECKING:
    from django.db.models.manager import Manager


class IntegrationStatus(models.TextChoices):
    """Whether a connection works, as the last run found it."""

    ACTIVE = "active", "active"
    NEEDS_ATTENTION = "needs_attention", "needs attention"


class Integration(models.Model):
    """A connection of an account (or one user of it) to one kind of data of a provider."""

    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="connections")
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.CASCADE, related_name="+"
    )
    credential = models.ForeignKey(
        "integrations.Credential",
        null=True,
        blank=True,
        on_delete=models.CASCADE,
        related_name="integrations",
    )
    provider = models.CharField(max_length=40)
    instance_type = models.CharField(max_length=60)
    external_id = models.CharField(max_length=200, blank=True, default="")
    name = models.CharField(max_length=200)
    configuration = models.JSONField(default=dict, blank=True)
    paused = models.BooleanField(default=False)
    status = models.CharField(
        max_length=20, choices=IntegrationStatus.choices, default=IntegrationStatus.ACTIVE
    )
    status_reason = models.CharField(max_length=60, blank=True, default="")
    error_count = models.PositiveIntegerField(default=0)
    last_error_at = models.DateTimeField(null=True, blank=True)
    last_error_code = models.CharField(max_length=60, blank=True, default="")
    last_error_message = models.CharField(max_length=500, blank=True, default="")
    last_triggered_at = models.DateTimeField(null=True, blank=True)
    last_successful_update_at = models.DateTimeField(null=True, blank=True)
    deleted_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    objects: ClassVar[Manager[Integration]] = AccountScopedManager()

    class Meta:
        db_table = "integrations"
        verbose_name = "connection"
        verbose_name_plural = "connections"
        ordering = ("provider", "name")
        constraints = (
            models.UniqueConstraint(
                fields=("account", "provider", "instance_type", "external_id"),
                condition=models.Q(user__isnull=True),
                name="integration_company_connection",
            ),
        )

    def __str__(self) -> str:
        return self.name

    def lock_key(self, sync_type: str) -> str:
        """The key that keeps two runs of one sync type on this connection apart."""
        return f"integration:{self.pk}:{sync_type}"
