"""Entering and replacing secrets: they go in, and never come out again."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ImproperlyConfigured
from unfold.widgets import UnfoldAdminPasswordWidget, UnfoldAdminSelectWidget, UnfoldBooleanWidget

from accounts.models import Account, Membership, User
from integrations.admin.ports import CredentialSort, credential_sort, credential_sorts
from integrations.credentials.encryption import SecretUnreadable, encrypt
from integrations.http.errors import IntegrationError
from integrations.models import Credential
from synclogs.commands.base import join_sentences
from synclogs.redaction import redact_text

PREFIX = "new_secret_"
UNTESTED = "untested"
HOW_ELSE = 'Nothing was saved. Correct it, or tick "Save without a test".'
NO_KEY = "No encryption key is set: add one to FIELD_ENCRYPTION_KEYS, then enter the secrets again."
LOST = "The stored secrets cannot be read any more: enter all of them."
TAKEN = "This owner has a credential of this provider already: replace the secrets of that one."


def secret_names(sort: CredentialSort | None) -> list[str]:
    """The form's names of the secrets of a provider."""
    return [f"{PREFIX}{name}" for name, _, _ in sort.secrets] if sort else []


def field_names(sort: CredentialSort | None) -> list[str]:
    """The form's names of all that is entered for a provider."""
    names = secret_names(sort)
    return [*names, UNTESTED] if names and sort is not None and sort.test is not None else names


def secret_fields(sort: CredentialSort | None, *, replacing: bool) -> dict[str, forms.Field]:
    """An input for each secret of a provider that never holds what is stored or what was typed before.

    Where the provider has a test there is a box to save without it.
    """
    note = "Leave empty to keep the stored one." if replacing else ""
    inputs: dict[str, forms.Field] = {
        f"{PREFIX}{name}": forms.CharField(
            label=label,
            required=not replacing,
            strip=False,
            help_text=" ".join(filter(None, (text, note))),
            widget=UnfoldAdminPasswordWidget(attrs={"autocomplete": "new-password"}),
        )
        for name, label, text in (sort.secrets if sort else ())
    }
    if UNTESTED in field_names(sort):
        inputs[UNTESTED] = forms.BooleanField(
            label="Save without a test",
            required=False,
            help_text="Otherwise new secrets are tried first, and saved only when the vendor takes them.",
            widget=UnfoldBooleanWidget(),
        )
    return inputs


class CredentialForm(forms.ModelForm[Credential]):
    """Who a credential belongs to, and its new secrets. `entered` holds what was typed, by secret's name."""

    class Meta:
        model = Credential
        fields = ("provider", "account", "user", "label", "expires_at")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.entered: dict[str, str] = {}
        if "provider" in self.fields:
            choices = [(sort.provider, sort.label) for sort in credential_sorts()]
            self.fields["provider"] = forms.ChoiceField(choices=choices, widget=UnfoldAdminSelectWidget())

    @property
    def sort(self) -> CredentialSort | None:
        """How the secrets of its provider are entered."""
        return credential_sort(str(self.cleaned_data.get("provider") or self.instance.provider))

    def clean(self) -> dict[str, Any]:
        """The owner, and what is to be stored."""
        cleaned = super().clean() or {}
        self._check_owner(cleaned)
        typed = {name.removeprefix(PREFIX): cleaned.get(name) for name in secret_names(self.sort)}
        self.entered = {name: str(value) for name, value in typed.items() if value}
        if self.entered:
            self._check_storable()
        if self.entered and not self.errors and not cleaned.get(UNTESTED):
            self._try(cleaned)
        return cleaned

    def _check_owner(self, cleaned: dict[str, Any]) -> None:
        if not self.instance._state.adding:
            return
        account: Account | None = cleaned.get("account")
        user: User | None = cleaned.get("user")
        if account is None:
            return
        is_member = Membership.objects.filter(user=user, account=account).exists()
        if user is not None and not is_member and not user.sees_all_accounts:
            self.add_error("user", f"{user} is no member of {account}.")
        owned = Credential.objects.filter(
            account=account, user=user, provider=cleaned.get("provider"), external_id=""
        )
        if owned.exists():
            self.add_error(None, TAKEN)

    def _check_storable(self) -> None:
        """Say beforehand what would fail while storing."""
        sort = self.sort
        try:
            encrypt("")
            if not self.instance._state.adding and sort and len(self.entered) < len(sort.secrets):
                dict(self.instance.secrets or {})
        except ImproperlyConfigured:
            self.add_error(None, NO_KEY)
        except SecretUnreadable:
            self.add_error(None, LOST)

    def _try(self, cleaned: dict[str, Any]) -> None:
        """Make one call with what would be stored."""
        sort, stored = self.sort, self.instance
        if sort is None or sort.test is None:
            return
        trial = Credential(
            provider=sort.provider,
            account=stored.account if stored.pk else cleaned.get("account"),
            user=stored.user if stored.pk else cleaned.get("user"),
            kind=sort.kind,
            environment=stored.environment,
            auth_metadata=stored.auth_metadata,
            secrets=self.all_secrets(),
        )
        try:
            sort.test(trial)
        except IntegrationError as error:
            text = join_sentences(f"The test failed: {error.message}", error.actionable_message, HOW_ELSE)
            self.add_error(None, redact_text(text))

    def all_secrets(self) -> dict[str, Any]:
        """What was typed, and what was stored of the rest."""
        sort = self.sort
        if self.instance._state.adding or (sort and len(self.entered) == len(sort.secrets)):
            return dict(self.entered)
        return {**(self.instance.secrets or {}), **self.entered}
