"""OAuthAuthorization: one visit of a person to a vendor's consent page."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from django.conf import settings
from django.db import models

from accounts.models import Account
from accounts.models.scoping import AccountScopedManager
from integrations.credentials.fields import EncryptedJSONField
from integrations.models.credential import Credential
from integrations.models.oauth_application import OAuthApplication

if TYPE_CHECKING:
    from django.db.models.manager import Manager


class OAuthAuthorization(models.Model):
    """Who was sent to a vendor, for what, and what came back.

    `state_hash` and `session_hash` are SHA-256 digests: the state belongs to this user's session, may be used
    once (`used_at`) and before `expires_at`. `credential` is the one that is reconnected, or that came of it.
    `secrets` holds the PKCE verifier. `outcome` is a code.
    """

    provider = models.CharField(max_length=40)
    application = models.ForeignKey(OAuthApplication, on_delete=models.CASCADE, related_name="+")
    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="+")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    credential = models.ForeignKey(
        Credential, null=True, blank=True, on_delete=models.SET_NULL, related_name="authorizations"
    )
    state_hash = models.CharField(max_length=64, unique=True)
    session_hash = models.CharField(max_length=64)
    secrets = EncryptedJSONField(default=dict)
    redirect_uri = models.CharField(max_length=500)
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField(db_index=True)
    used_at = models.DateTimeField(null=True, blank=True)
    outcome = models.CharField(max_length=40, blank=True, default="")

    objects: ClassVar[Manager[OAuthAuthorization]] = AccountScopedManager()

    class Meta:
        db_table = "oauth_authorizations"
        ordering = ("-created_at",)

    def __str__(self) -> str:
        return f"{self.provider} by {self.user}"
