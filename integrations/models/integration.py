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


class InitStatus(models.TextChoices):
    """How far the first fetch of a new connection's history has come; empty where there is none."""

    PENDING = "pending", "pending"
    RUNNING = "running", "running"
    DONE = "done", "done"
    FAILED = "failed", "failed"


class Integration(models.Model):
    """A connection of an account (or one user of it) to one kind of data of a provider.

    A credential has one connection of an instance type, unless they `allow_multiple`. While
    `breaker_open_until` is ahead, and before `next_attempt_at`, the connection is not polled.
    """

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
    next_attempt_at = models.DateTimeField(null=True, blank=True)
    processing_started_at = models.DateTimeField(null=True, blank=True)
    last_processed_at = models.DateTimeField(null=True, blank=True)
    init_status = models.CharField(max_length=20, choices=InitStatus.choices, blank=True, default="")
    initialized_at = models.DateTimeField(null=True, blank=True)
    migration_batch_id = models.CharField(max_length=60, blank=True, default="")
    breaker_failures = models.PositiveIntegerField(default=0)
    breaker_window_at = models.DateTimeField(null=True, blank=True)
    breaker_open_until = models.DateTimeField(null=True, blank=True)
    allow_multiple = models.BooleanField(default=False)
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
            models.UniqueConstraint(
                fields=("credential", "instance_type"),
                condition=models.Q(allow_multiple=False),
                name="integration_credential_instance",
            ),
        )

    def __str__(self) -> str:
        return self.name

    def lock_key(self, sync_type: str) -> str:
        """The key that keeps two runs of one sync type on this connection apart."""
        return f"integration:{self.pk}:{sync_type}"
