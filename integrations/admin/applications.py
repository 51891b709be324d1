"""OAuth applications: what vendors know this installation by. The secret goes in, and never comes out."""

from __future__ import annotations

from typing import Any, ClassVar

from django import forms
from django.contrib import admin
from django.core.exceptions import ImproperlyConfigured
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.widgets import UnfoldAdminPasswordWidget, UnfoldAdminSelectWidget

from accounts.models import Account
from integrations.admin.credential_form import NO_KEY
from integrations.credentials.encryption import encrypt
from integrations.models import OAuthApplication
from integrations.oauth.views import callback_address
from integrations.registry import all_providers, label_of
from synclogs.admin import html
from synclogs.admin.base import OperatorAdmin, VisibleOnly, signed_in_user

REGISTER = "Register this redirect address at the vendor:"
FIELDS = ("provider", "account", "environment", "name", "client_id", "client_secret", "enabled")


class ApplicationForm(forms.ModelForm[OAuthApplication]):
    """An application and, to be replaced, its secret."""

    client_secret = forms.CharField(
        required=False,
        strip=False,
        help_text="Leave empty to keep the stored one; public clients have none.",
        widget=UnfoldAdminPasswordWidget(attrs={"autocomplete": "new-password"}),
    )

    class Meta:
        model = OAuthApplication
        fields = ("provider", "account", "environment", "name", "client_id", "enabled")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "provider" in self.fields:
            self.fields["provider"] = forms.ChoiceField(
                choices=[(each.slug, each.label) for each in all_providers() if each.oauth is not None],
                widget=UnfoldAdminSelectWidget(),
            )

    def clean_client_secret(self) -> str:
        """Say beforehand what would fail while storing."""
        secret = str(self.cleaned_data.get("client_secret") or "")
        if secret:
            try:
                encrypt("")
            except ImproperlyConfigured:
                raise forms.ValidationError(NO_KEY) from None
        return secret


@admin.register(OAuthApplication)
class OAuthApplicationAdmin(VisibleOnly, OperatorAdmin):
    """The clients that were registered at vendors."""

    form = ApplicationForm
    list_display: ClassVar[Any] = ("named", "vendor", "account", "client_id", "state")
    list_display_links = ("named",)
    search_fields = ("name", "provider", "client_id", "account__name")
    list_select_related = ("account",)
    ordering = ("provider", "environment")
    empty_title = "No applications yet"
    empty_text = "Register one at the vendor with the redirect address that is shown here, then add it."

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Those who govern credentials."""
        return request.user.has_perm("integrations.add_oauthapplication")

    def get_fieldsets(self, request: HttpRequest, obj: OAuthApplication | None = None) -> Any:
        """What the vendor was told and said."""
        fields = FIELDS if obj is None or self.has_change_permission(request, obj) else _without_secret()
        address = callback_address(request, obj.provider if obj is not None else "PROVIDER")
        return [(None, {"fields": fields, "description": format_html("{} {}", REGISTER, address)})]

    def get_readonly_fields(self, request: HttpRequest, obj: OAuthApplication | None = None) -> Any:
        """An application never moves to another owner; tokens belong to it."""
        return ("provider", "account") if obj is not None else ()

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """Only accounts that the user may see."""
        if db_field.name == "account":
            user = signed_in_user(request)
            seen: QuerySet[Account] = Account.objects.all()
            kwargs["queryset"] = seen if user.sees_all_accounts else seen.filter(membership__user=user)
            kwargs["initial"] = Account.objects.platform().pk
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def save_model(
        self,
        request: HttpRequest,
        obj: OAuthApplication,
        form: forms.ModelForm[OAuthApplication],
        change: bool,
    ) -> None:
        """Store the secret if one was typed."""
        if secret := form.cleaned_data.get("client_secret"):
            obj.secrets = {"client_secret": secret}
        super().save_model(request, obj, form, change)

    @admin.display(description="name", ordering="name")
    def named(self, application: OAuthApplication) -> str:
        """What operators call it."""
        return str(application)

    @admin.display(description="provider", ordering="provider")
    def vendor(self, application: OAuthApplication) -> str:
        """The vendor."""
        return label_of(application.provider)

    @admin.display(description="status", ordering="enabled")
    def state(self, application: OAuthApplication) -> SafeString:
        """Whether it is used."""
        return html.label("in use", "ok") if application.enabled else html.label("switched off", "mute")


def _without_secret() -> tuple[str, ...]:
    return tuple(name for name in FIELDS if name != "client_secret")
