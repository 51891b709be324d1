"""Entering customers: the secret goes in, and never comes out again."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ImproperlyConfigured
from unfold.widgets import UnfoldAdminPasswordWidget

from integrations.credentials.encryption import encrypt
from integrations.providers.zuora.models import ZuoraCustomer

NO_KEY = "No encryption key is set: add one to FIELD_ENCRYPTION_KEYS, then enter the secret again."
LONGEST_SECRET = 100


class ZuoraCustomerForm(forms.ModelForm[ZuoraCustomer]):
    """A customer's address and OAuth client."""

    new_secret = forms.CharField(
        label="Client secret",
        required=False,
        strip=False,
        max_length=LONGEST_SECRET,
        widget=UnfoldAdminPasswordWidget(attrs={"autocomplete": "new-password"}),
    )

    class Meta:
        model = ZuoraCustomer
        fields = ("account", "name", "base_url", "client_id", "entity_id", "org_ids")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "new_secret" in self.fields:
            adding = self.instance._state.adding
            self.fields["new_secret"].required = adding
            if not adding:
                self.fields["new_secret"].help_text = "Leave empty to keep the stored one."

    def clean_new_secret(self) -> str:
        """Say beforehand what would fail while storing."""
        text: str = self.cleaned_data.get("new_secret") or ""
        if text:
            try:
                encrypt("")
            except ImproperlyConfigured:
                raise forms.ValidationError(NO_KEY) from None
        return text
