"""OAuthApplication: what a vendor knows this installation by."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from django.db import models

from accounts.models import Account
from accounts.models.scoping import AccountScopedManager
from integrations.credentials.fields import EncryptedJSONField

if TYPE_CHECKING:
    from django.db.models.manager import Manager


class OAuthApplication(models.Model):
    """A client registered with a vendor; `secrets` holds its `client_secret`.

    The account `platform` owns those that all accounts connect through.
    """

    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="oauth_applications")
    provider = models.CharField(max_length=40)
    environment = models.CharField(max_length=20, blank=True, default="")
    name = models.CharField(max_length=200, blank=True, default="")
    client_id = models.CharField(max_length=200)
    secrets = EncryptedJSONField(default=dict)
    enabled = models.BooleanField(default=True)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    objects: ClassVar[Manager[OAuthApplication]] = AccountScopedManager()

    class Meta:
        db_table = "oauth_applications"
        verbose_name = "OAuth application"
        ordering = ("provider", "environment")
        constraints = (
            models.UniqueConstraint(
                fields=("account", "provider", "environment"), name="oauth_application_environment"
            ),
        )

    def __str__(self) -> str:
        return self.name or f"{self.provider} {self.environment}".strip()
