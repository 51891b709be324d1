"""Account (a tenant) and Membership (who belongs to it)."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db import models
from django.utils.text import slugify

PLATFORM_SUBDOMAIN = "platform"


class AccountStatus(models.TextChoices):
    """Whether an account may work. Active and grace may, the others may not."""

    ACTIVE = "active", "Active"
    GRACE = "grace", "Grace period"
    EXPIRED = "expired", "Expired"
    DEACTIVATED = "deactivated", "Deactivated"


class AccountManager(models.Manager["Account"]):
    """Finds the accounts that the platform itself relies on."""

    def platform(self) -> Account:
        """The account that owns what belongs to everybody; made by the migrations."""
        return self.get_or_create(
            subdomain=PLATFORM_SUBDOMAIN, defaults={"name": "Platform", "integration_access": True}
        )[0]


class Account(models.Model):
    """A tenant. Every integration record belongs to one; no secret lives here."""

    name = models.CharField(max_length=255)
    subdomain = models.CharField(
        max_length=63, unique=True, blank=True, help_text="Defaults to a slug of the name."
    )
    status = models.CharField(
        max_length=16, choices=AccountStatus.choices, default=AccountStatus.ACTIVE, db_index=True
    )
    owner_email = models.EmailField(blank=True, default="")
    timezone = models.CharField(max_length=64, default="America/New_York")
    integration_access = models.BooleanField(
        default=False, help_text="Whether this account has paid for integrations."
    )
    integrations = models.JSONField(
        default=dict, blank=True, help_text='Enabled keys and their settings: {"zillow": {"enabled": true}}.'
    )
    config_version = models.PositiveIntegerField(default=1)
    fub_account_id = models.BigIntegerField(null=True, blank=True, unique=True)
    deactivated_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    objects = AccountManager()

    class Meta:
        db_table = "accounts"
        ordering = ("name",)

    def __str__(self) -> str:
        return self.name

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Fill an empty subdomain from the name."""
        self._fill_subdomain()
        super().save(*args, **kwargs)

    def clean(self) -> None:
        """Fill an empty subdomain before a form looks whether it is taken."""
        super().clean()
        self._fill_subdomain()

    def _fill_subdomain(self) -> None:
        if not self.subdomain:
            self.subdomain = slugify(self.name)[:63]

    @property
    def is_active(self) -> bool:
        """Whether jobs of this account may run: active or in its grace period, and not deactivated."""
        return self.status in (AccountStatus.ACTIVE, AccountStatus.GRACE) and self.deactivated_at is None

    def has_integration_access(self) -> bool:
        """Whether this account may use the paid integrations."""
        return self.is_active and self.integration_access


class Membership(models.Model):
    """A user's place in an account: members see that account's records and no others."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE)
    account = models.ForeignKey(Account, on_delete=models.CASCADE)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("user", "account"), name="membership_user_account_uniq"),
        )

    def __str__(self) -> str:
        return f"{self.user} in {self.account}"
