"""AccessToken: a token that a client got for itself, kept until it expires."""

from __future__ import annotations

from django.db import models

from integrations.credentials.fields import EncryptedJSONField


class AccessToken(models.Model):
    """What a token endpoint gave for client credentials; `secrets` holds its `access_token`.

    `key` is a digest of where it is from and whom it is for, without any secret. Whoever asks for a new one
    holds this row's lock. After a failure nobody asks before `ask_again_at`.
    """

    key = models.CharField(max_length=64, unique=True)
    provider = models.CharField(max_length=40)
    secrets = EncryptedJSONField(default=dict)
    version = models.PositiveIntegerField(default=0)
    expires_at = models.DateTimeField(null=True, blank=True)
    failures = models.PositiveIntegerField(default=0)
    ask_again_at = models.DateTimeField(null=True, blank=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        db_table = "access_tokens"

    def __str__(self) -> str:
        return f"{self.provider} {self.key[:8]}"
