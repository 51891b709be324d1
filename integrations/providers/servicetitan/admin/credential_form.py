"""Entering a credential: secrets go in, and never come out again."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ImproperlyConfigured
from unfold.widgets import UnfoldAdminPasswordWidget

from integrations.credentials.encryption import SecretUnreadable, encrypt
from integrations.providers.servicetitan.models import ServiceTitanCredential

SECRETS = ("client_secret", "app_key")
KEEP = "Leave empty to keep the stored one."
NO_KEY = "No encryption key is set: add one to FIELD_ENCRYPTION_KEYS, then enter the secrets again."
LOST = "The stored secrets cannot be read any more: enter both."


def _secret(label: str, help_text: str) -> forms.CharField:
    widget = UnfoldAdminPasswordWidget(attrs={"autocomplete": "new-password"})
    return forms.CharField(label=label, required=False, help_text=help_text, widget=widget)


class CredentialForm(forms.ModelForm[ServiceTitanCredential]):
    """A tenant's client. `entered` holds the secrets that were typed."""

    new_client_secret = _secret("Client secret", "Of this tenant and this environment.")
    new_app_key = _secret("App key", "Of the app, the same in both environments.")

    class Meta:
        model = ServiceTitanCredential
        fields = (
            *("account", "environment", "tenant_id", "client_id"),
            *("scheduled_sync_enabled", "sync_interval_minutes"),
        )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.entered: dict[str, str] = {}
        for name in SECRETS:
            field = self.fields.get(f"new_{name}")
            if field is not None and self.instance._state.adding:
                field.required = True
            elif field is not None:
                field.help_text = f"{field.help_text} {KEEP}"

    def clean(self) -> dict[str, Any]:
        """The secrets that were typed, if they can be stored."""
        cleaned = super().clean() or {}
        typed = {name: cleaned.get(f"new_{name}") for name in SECRETS}
        self.entered = {name: str(value) for name, value in typed.items() if value}
        try:
            encrypt("")
            if self.entered and len(self.entered) < len(SECRETS) and not self.instance._state.adding:
                dict(self.instance.secrets or {})
        except ImproperlyConfigured:
            self.add_error(None, NO_KEY)
        except SecretUnreadable:
            self.add_error(None, LOST)
        return cleaned

    def all_secrets(self) -> dict[str, Any]:
        """What was typed, and what was stored of the rest."""
        if len(self.entered) == len(SECRETS):
            return dict(self.entered)
        return {**(self.instance.secrets or {}), **self.entered}
