"""Credential: the secrets of a connection, and whether they work."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from django.conf import settings
from django.db import models
from django.db.models import F
from django.utils import timezone

from accounts.models import Account
from accounts.models.scoping import AccountScopedManager
from integrations.credentials.fields import EncryptedJSONField


class CredentialStatus(models.TextChoices):
    """Whether a credential may be used. Only active ones are."""

    PENDING_APPROVAL = "pending_approval", "waiting for approval"
    ACTIVE = "active", "active"
    NEEDS_ATTENTION = "needs_attention", "needs attention"
    REVOKED = "revoked", "revoked"
    DISABLED = "disabled", "disabled"


MENDING_ITSELF = (CredentialStatus.ACTIVE, CredentialStatus.NEEDS_ATTENTION)


class CredentialManager(AccountScopedManager["Credential"]):
    """Finds the credentials that work."""

    def usable(self) -> models.QuerySet[Credential]:
        """The active ones."""
        return self.filter(status=CredentialStatus.ACTIVE)


class Credential(models.Model):
    """Secrets of an account (user null: the company's own) or of one user, for one provider.

    `secrets` is an encrypted object whose names the provider's client knows (`username`, `password`,
    `access_token`, ...). `kind` says of what sort it is (basic, api_key, oauth2, ...). `token_version` counts
    up whenever they are replaced; after a failed refresh nobody tries another before `refresh_again_at`.
    """

    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="credentials")
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.CASCADE, related_name="credentials"
    )
    provider = models.CharField(max_length=40)
    kind = models.CharField(max_length=20, default="basic")
    environment = models.CharField(max_length=20, blank=True, default="")
    external_id = models.CharField(max_length=200, blank=True, default="")
    label = models.CharField(max_length=200, blank=True, default="")
    secrets = EncryptedJSONField(default=dict)
    token_version = models.PositiveIntegerField(default=0)
    refresh_failures = models.PositiveIntegerField(default=0)
    refresh_again_at = models.DateTimeField(null=True, blank=True)
    expires_at = models.DateTimeField(null=True, blank=True)
    refresh_expires_at = models.DateTimeField(null=True, blank=True)
    auth_metadata = models.JSONField(default=dict, blank=True)
    status = models.CharField(
        max_length=20, choices=CredentialStatus.choices, default=CredentialStatus.ACTIVE
    )
    status_reason = models.CharField(max_length=60, blank=True, default="")
    failure_count = models.PositiveIntegerField(default=0)
    last_used_at = models.DateTimeField(null=True, blank=True)
    sca_approved_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    objects: ClassVar[CredentialManager] = CredentialManager()

    class Meta:
        db_table = "credentials"
        ordering = ("provider", "label")
        constraints = (
            models.UniqueConstraint(
                fields=("account", "user", "provider", "external_id"),
                condition=~models.Q(external_id=""),
                name="credential_user_external",
            ),
            models.UniqueConstraint(
                fields=("account", "provider", "external_id"),
                condition=models.Q(user__isnull=True),
                name="credential_company_external",
            ),
        )
        indexes = (models.Index(fields=("user", "provider", "external_id"), name="credential_user_provider"),)

    def __str__(self) -> str:
        return self.label or f"{self.provider} of {self.user or self.account}"

    def secret(self, name: str) -> str:
        """One of the secrets, empty when it is not there. Raises SecretUnreadable when no key opens them."""
        value = (self.secrets or {}).get(name)
        return "" if value is None else str(value)

    def mark_used(self) -> None:
        """The vendor accepted it: active again, no failures. What a person has to release stays as it is."""
        Credential.objects.filter(pk=self.pk, status__in=MENDING_ITSELF).update(
            status=CredentialStatus.ACTIVE, status_reason="", failure_count=0, last_used_at=timezone.now()
        )
        self._reload_status()

    def mark_refused(self, reason: str) -> None:
        """The vendor refused it: it needs attention, for `reason` (a code), and is not used until mended.

        Does nothing when its secrets were replaced since this row was read: the old ones were refused.
        """
        same = Credential.objects.filter(pk=self.pk, token_version=self.token_version)
        same.filter(status__in=(*MENDING_ITSELF, CredentialStatus.PENDING_APPROVAL)).update(
            status=CredentialStatus.NEEDS_ATTENTION,
            status_reason=reason[:60],
            failure_count=F("failure_count") + 1,
        )
        self._reload_status()

    def replace_secrets(self, secrets: Mapping[str, Any]) -> None:
        """Enter new secrets: the way back from needing attention. They are active until refused."""
        self.secrets = dict(secrets)
        self.status, self.status_reason, self.failure_count = CredentialStatus.ACTIVE, "", 0
        self.token_version += 1
        self.save(
            update_fields=[
                "secrets",
                "status",
                "status_reason",
                "failure_count",
                "token_version",
                "updated_at",
            ]
        )

    def _reload_status(self) -> None:
        self.refresh_from_db(fields=["status", "status_reason", "failure_count", "last_used_at"])
