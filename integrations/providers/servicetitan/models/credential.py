"""ServiceTitanCredential: one tenant's access to one environment, and whether it is synced."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import timedelta
from typing import Any, ClassVar

from django.db import models, transaction
from django.db.models import F, Q
from django.utils import timezone

from accounts.models import Account, AccountStatus
from accounts.models.scoping import AccountScopedManager
from integrations.credentials.fields import EncryptedJSONField
from integrations.models import Integration, IntegrationStatus
from integrations.providers.servicetitan.slug import PROVIDER
from synclogs.redaction import redact_text

INSTANCE_TYPE = "servicetitan"


class TitanEnvironment(models.TextChoices):
    """Which of ServiceTitan's two installations a credential belongs to."""

    INTEGRATION = "integration", "Integration"
    PRODUCTION = "production", "Production"


class CredentialState(models.TextChoices):
    """Whether a credential is used. Schedules use the active ones; a retry may mend what needs attention."""

    ACTIVE = "active", "Active"
    NEEDS_ATTENTION = "needs_attention", "Needs attention"
    DISABLED = "disabled", "Disabled"


class ServiceTitanCredential(models.Model):
    """The client and app key of a tenant. Its runs, cursors and issues hang on its `integration`.

    `secrets` holds `client_secret` and `app_key`, which can also be read and given under those names.
    `sync_interval_minutes` null means due on every scheduled run. The host follows from `environment`.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="servicetitan_credentials")
    integration = models.OneToOneField(
        Integration, on_delete=models.CASCADE, related_name="servicetitan_credential", editable=False
    )
    environment = models.CharField(
        max_length=20, choices=TitanEnvironment.choices, default=TitanEnvironment.INTEGRATION
    )
    tenant_id = models.BigIntegerField("tenant ID")
    client_id = models.CharField("client ID", max_length=200)
    secrets = EncryptedJSONField(default=dict)
    secrets_version = models.PositiveIntegerField(default=0, editable=False)
    status = models.CharField(max_length=20, choices=CredentialState.choices, default=CredentialState.ACTIVE)
    status_reason = models.TextField(blank=True, default="")
    status_changed_at = models.DateTimeField(null=True, blank=True)
    scheduled_sync_enabled = models.BooleanField(
        default=True, help_text="Whether schedules and the scheduled command sync it."
    )
    sync_interval_minutes = models.PositiveIntegerField(
        null=True, blank=True, help_text="The least time between scheduled syncs; empty: each time."
    )
    last_sync_started_at = models.DateTimeField(null=True, blank=True)
    last_successful_sync_at = models.DateTimeField(null=True, blank=True)
    consecutive_failures = models.PositiveIntegerField(default=0)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    objects: ClassVar[AccountScopedManager[ServiceTitanCredential]] = AccountScopedManager()

    class Meta:
        db_table = "servicetitan_credentials"
        verbose_name = "ServiceTitan credential"
        ordering = ("account__name", "environment")
        constraints = (
            models.UniqueConstraint(
                fields=("account", "environment"),
                name="servicetitan_credential_environment",
                violation_error_message="This account has a credential for this environment already.",
            ),
        )

    def __str__(self) -> str:
        return f"{self.account} ({self.environment})"

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Make the connection that goes with a new credential."""
        with transaction.atomic():
            if getattr(self, "integration_id", None) is None:
                self.integration = self._connection()
            super().save(*args, **kwargs)

    @property
    def client_secret(self) -> str:
        """The client's secret; empty when there is none. Raises SecretUnreadable when no key opens it."""
        return str((self.secrets or {}).get("client_secret", ""))

    @client_secret.setter
    def client_secret(self, value: str) -> None:
        self.secrets = {**(self.secrets or {}), "client_secret": value}

    @property
    def app_key(self) -> str:
        """The app's key; empty when there is none. Raises SecretUnreadable when no key opens it."""
        return str((self.secrets or {}).get("app_key", ""))

    @app_key.setter
    def app_key(self, value: str) -> None:
        self.secrets = {**(self.secrets or {}), "app_key": value}

    @property
    def company(self) -> str:
        """The name of its account, as commands print it."""
        return self.account.name

    @property
    def lock_key(self) -> str:
        """The key that only one run of this credential holds at a time, whatever it syncs."""
        return self.integration.lock_key(PROVIDER)

    def is_due(self) -> bool:
        """Whether its interval has passed since the last sync started."""
        if self.sync_interval_minutes is None or self.last_sync_started_at is None:
            return True
        return self.last_sync_started_at + timedelta(minutes=self.sync_interval_minutes) <= timezone.now()

    def mark_needs_attention(self, message: str) -> None:
        """ServiceTitan refuses it: schedules leave it out until a sync succeeds or somebody mends it.

        Does nothing when it is disabled, or when its secrets were replaced since this row was read.
        """
        same = self._same_secrets().exclude(status=CredentialState.DISABLED)
        reason = redact_text(message)[:1000]
        changed = same.filter(~Q(status=CredentialState.NEEDS_ATTENTION) | ~Q(status_reason=reason))
        if changed.update(
            status=CredentialState.NEEDS_ATTENTION, status_reason=reason, status_changed_at=timezone.now()
        ):
            Integration.objects.filter(pk=self.integration_id).update(
                status=IntegrationStatus.NEEDS_ATTENTION, status_reason="auth"
            )
        self._reload_state()

    def mark_working(self) -> None:
        """ServiceTitan takes it: active again if it needed attention. A disabled one stays disabled."""
        mended = self._same_secrets().filter(status=CredentialState.NEEDS_ATTENTION)
        if mended.update(status=CredentialState.ACTIVE, status_reason="", status_changed_at=timezone.now()):
            self._connection_works()
        self._reload_state()

    def switch(self, status: CredentialState, reason: str = "") -> bool:
        """What an operator decides: use it again, or no more. False when it is so already."""
        others = ServiceTitanCredential.objects.filter(pk=self.pk).exclude(status=status)
        changed = others.update(status=status, status_reason=reason, status_changed_at=timezone.now())
        if changed and status == CredentialState.ACTIVE:
            others.model.objects.filter(pk=self.pk).update(consecutive_failures=0)
            self._connection_works()
        self._reload_state()
        return bool(changed)

    def replace_secrets(self, secrets: Mapping[str, str] | None = None) -> None:
        """Enter new secrets (None: the client ID alone is new): a way back from needing attention.

        A disabled one stays disabled.
        """
        changes: dict[str, Any] = {"secrets_version": F("secrets_version") + 1, "updated_at": timezone.now()}
        if secrets is not None:
            self.secrets = changes["secrets"] = dict(secrets)
        ServiceTitanCredential.objects.filter(pk=self.pk).update(**changes)
        self.refresh_from_db(fields=["secrets_version"])
        self.mark_working()

    def note_started(self) -> None:
        """A sync begins now."""
        self.last_sync_started_at = timezone.now()
        ServiceTitanCredential.objects.filter(pk=self.pk).update(
            last_sync_started_at=self.last_sync_started_at
        )

    def note_success(self) -> None:
        """A sync has succeeded."""
        ServiceTitanCredential.objects.filter(pk=self.pk).update(
            last_successful_sync_at=timezone.now(), consecutive_failures=0
        )
        self.mark_working()

    def note_failure(self) -> None:
        """A sync has failed."""
        ServiceTitanCredential.objects.filter(pk=self.pk).update(
            consecutive_failures=F("consecutive_failures") + 1
        )

    def _same_secrets(self) -> models.QuerySet[ServiceTitanCredential]:
        return ServiceTitanCredential.objects.filter(pk=self.pk, secrets_version=self.secrets_version)

    def _connection(self) -> Integration:
        name = f"ServiceTitan {self.environment} of {self.account}"
        return Integration.objects.get_or_create(
            account=self.account,
            provider=PROVIDER,
            instance_type=INSTANCE_TYPE,
            external_id=self.environment,
            user=None,
            defaults={"name": name[:200]},
        )[0]

    def _connection_works(self) -> None:
        Integration.objects.filter(pk=self.integration_id).update(
            status=IntegrationStatus.ACTIVE, status_reason=""
        )

    def _reload_state(self) -> None:
        self.refresh_from_db(fields=["status", "status_reason", "status_changed_at", "consecutive_failures"])


WORKING_ACCOUNT = Q(
    account__status__in=(AccountStatus.ACTIVE, AccountStatus.GRACE), account__deactivated_at__isnull=True
)
