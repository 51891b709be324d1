"""Credentials: whether each works, entering its secrets, trying it, and switching it off and on."""

from __future__ import annotations

from typing import Any, ClassVar

from django import forms
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.forms.models import ModelForm
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern
from django.utils.safestring import SafeString
from unfold.contrib.filters.admin import MultipleChoicesDropdownFilter, RelatedDropdownFilter

from accounts.models import Account, User
from integrations.admin import credential_cells as cells
from integrations.admin import credential_operations as operations
from integrations.admin.connection_page import can_reconnect, oauth_provider
from integrations.admin.credential_form import CredentialForm, field_names, secret_fields
from integrations.admin.ports import CredentialSort, credential_sort, credential_sorts
from integrations.admin.webhook_address import address_page, has_address
from integrations.models import Credential, CredentialStatus
from synclogs.admin import html
from synclogs.admin.base import OperatorAdmin, VisibleOnly, signed_in_user
from synclogs.admin.filters import ValuesFilter
from synclogs.admin.words import counted

OWNER = ("provider", "account", "user")
STATE = ("state", "failures_text", "last_used", "secrets_entered")


class CredentialProviderFilter(ValuesFilter):
    """Credentials of one provider."""

    title = "provider"
    parameter_name = "provider"


class AccountFilter(RelatedDropdownFilter):
    """Credentials of one account; offers only accounts that the user may see."""

    def field_choices(self, field: Any, request: HttpRequest, model_admin: Any) -> list[tuple[Any, str]]:
        """The visible accounts."""
        return [(account.pk, str(account)) for account in _accounts(signed_in_user(request))]


@admin.register(Credential)
class CredentialAdmin(VisibleOnly, OperatorAdmin):
    """The logins that calls are made with. Secrets are entered here and shown nowhere."""

    form = CredentialForm
    list_display: ClassVar[Any] = (
        "provider_name", "named", "owner", "state", "failures", "last_used", "expires",
    )  # fmt: skip
    list_display_links = ("provider_name", "named")
    list_filter: ClassVar[Any] = (
        ("status", MultipleChoicesDropdownFilter),
        CredentialProviderFilter,
        ("account", AccountFilter),
    )
    search_fields = ("provider", "label", "account__name", "user__username", "status_reason")
    search_help_text = "Search provider, label or owner"
    list_select_related = ("account", "user")
    ordering = ("provider", "label")
    actions = ("reactivate_selected", "disable_selected")
    autocomplete_fields = ("user",)
    change_form_outer_before_template = "admin/integrations/credential.html"
    empty_title = "No credentials yet"
    empty_text = "Calls are made with the login of the environment until one is added here."

    def get_urls(self) -> list[URLPattern]:
        """The test and the switches, before Django's own."""
        return [
            self.post_path("<int:object_id>/test/", self.test_view, "test"),
            self.post_path("<int:object_id>/reactivate/", self.reactivate_view, "reactivate"),
            self.post_path("<int:object_id>/disable/", self.disable_view, "disable"),
            self.post_path("<int:object_id>/address/", self.address_view, "address"),
            *super().get_urls(),
        ]

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Those who govern credentials, as far as there is a provider to add one for."""
        return request.user.has_perm("integrations.add_credential") and bool(credential_sorts())

    def get_fieldsets(self, request: HttpRequest, obj: Credential | None = None) -> Any:
        """Whose it is, its secrets, and how it is doing."""
        parts = [
            (None, {"fields": (*OWNER, "label", "expires_at")}),
            ("Secrets", {"fields": tuple(field_names(_sort(request, obj))) or ("no_secrets",)}),
        ]
        return parts if obj is None else [*parts, ("State", {"fields": STATE})]

    def get_readonly_fields(self, request: HttpRequest, obj: Credential | None = None) -> tuple[str, ...]:
        """A credential never moves to another owner."""
        return (*STATE, "no_secrets", *(OWNER if obj is not None else ()))

    def get_form(
        self, request: HttpRequest, obj: Credential | None = None, change: bool = False, **kwargs: Any
    ) -> type[ModelForm[Credential]]:
        """The form with the inputs of the provider's secrets; without any for those who may only look."""
        kwargs["fields"] = ("label", "expires_at") if obj is not None else (*OWNER, "label", "expires_at")
        plain = super().get_form(request, obj, change, **kwargs)
        inputs = secret_fields(_sort(request, obj), replacing=obj is not None)
        if obj is not None and not self.has_change_permission(request, obj):
            inputs = {}
        return type("CredentialFormWithSecrets", (plain,), inputs)

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """Only accounts that the user may see."""
        if db_field.name == "account":
            kwargs["queryset"] = _accounts(signed_in_user(request))
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def save_model(
        self, request: HttpRequest, obj: Credential, form: forms.ModelForm[Credential], change: bool
    ) -> None:
        """Store the secrets that were typed; the rest of the row stays as the engine left it."""
        if not isinstance(form, CredentialForm):
            raise PermissionDenied
        sort = _sort(request, obj)
        if change:
            obj.save(update_fields=["label", "expires_at", "updated_at"])
        else:
            obj.kind = sort.kind if sort else obj.kind
            obj.secrets = form.all_secrets()
            obj.save()
        if change and form.entered:
            obj.replace_secrets(form.all_secrets())
        if form.entered and sort is not None and sort.connected is not None:
            sort.connected(obj)

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> Any:
        """The page, with how the credential is doing above the form."""
        credential: Credential | None = context.get("original")
        if credential is not None:
            sort = credential_sort(credential.provider)
            context |= {
                "credential": credential,
                "provider_name": cells.provider(credential),
                "status_label": cells.status(credential),
                "advice": cells.WHAT_TO_DO[CredentialStatus(credential.status)],
                "can_operate": self.has_change_permission(request, credential),
                "can_test": sort is not None and sort.test is not None,
                "can_reactivate": credential.status in operations.REVIVABLE,
                "can_reconnect": can_reconnect(credential),
                "has_address": has_address(credential),
                "can_disable": credential.status != CredentialStatus.DISABLED,
            }
        return super().render_change_form(request, context, *args, **kwargs)

    @admin.display(description="provider", ordering="provider")
    def provider_name(self, credential: Credential) -> str:
        """The vendor."""
        return cells.provider(credential)

    @admin.display(description="label", ordering="label")
    def named(self, credential: Credential) -> SafeString:
        """What operators call it."""
        return html.clipped(credential.label)

    @admin.display(ordering="account__name")
    def owner(self, credential: Credential) -> SafeString:
        """Whose it is."""
        return cells.owner(credential)

    @admin.display(description="status", ordering="status")
    def state(self, credential: Credential) -> SafeString:
        """Whether it may be used, and why not."""
        return cells.status(credential)

    @admin.display(ordering="failure_count")
    def failures(self, credential: Credential) -> SafeString:
        """How often it was refused."""
        return cells.failures(credential)

    @admin.display(description="refused in a row")
    def failures_text(self, credential: Credential) -> str:
        """How often it was refused, in the form."""
        return cells.failures_text(credential)

    @admin.display(description="last used", ordering="last_used_at")
    def last_used(self, credential: Credential) -> SafeString:
        """When the vendor last took it."""
        return html.when(credential.last_used_at, empty="never")

    @admin.display(ordering="expires_at")
    def expires(self, credential: Credential) -> SafeString:
        """When it ends."""
        return cells.expires(credential)

    @admin.display(description="secrets replaced")
    def secrets_entered(self, credential: Credential) -> str:
        """How often new ones were entered."""
        return counted(credential.token_version, "time")

    @admin.display(description="secrets")
    def no_secrets(self, credential: Credential) -> str:
        """Said in place of inputs."""
        if oauth_provider(credential.provider) is not None:
            return "They come from the vendor's consent page: press Reconnect for new ones."
        return "The secrets of this provider are not entered here."

    def changeable(self, request: HttpRequest, object_id: int) -> Credential | None:
        """The row to operate on, or None. Raises PermissionDenied for users who may only look."""
        if not self.has_change_permission(request):
            raise PermissionDenied
        found: Credential | None = self.found(request, object_id)
        return found

    def reactivate_view(self, request: HttpRequest, object_id: int) -> HttpResponse:
        """Use one again."""
        return self._one(request, object_id, operations.reactivate)

    def disable_view(self, request: HttpRequest, object_id: int) -> HttpResponse:
        """Use one no more."""
        return self._one(request, object_id, operations.disable)

    def test_view(self, request: HttpRequest, object_id: int) -> HttpResponse:
        """Make one call with it and say what came of that."""
        return self._one(request, object_id, operations.test)

    def address_view(self, request: HttpRequest, object_id: int) -> HttpResponse:
        """Show where its vendor sends webhooks."""
        credential = self.changeable(request, object_id)
        return (
            self.missing(request, object_id)
            if credential is None
            else address_page(self, request, credential)
        )

    def _one(self, request: HttpRequest, object_id: int, operation: operations.Operation) -> HttpResponse:
        credential = self.changeable(request, object_id)
        if credential is None:
            return self.missing(request, object_id)
        operation(self, request, credential)
        return redirect(self.url_of(credential))

    @admin.action(description="Re-activate selected credentials", permissions=["change"])
    def reactivate_selected(self, request: HttpRequest, queryset: QuerySet[Credential]) -> None:
        """Use the selected ones again."""
        for credential in queryset:
            operations.reactivate(self, request, credential)

    @admin.action(description="Disable selected credentials", permissions=["change"])
    def disable_selected(self, request: HttpRequest, queryset: QuerySet[Credential]) -> None:
        """Use the selected ones no more."""
        for credential in queryset:
            operations.disable(self, request, credential)


def _accounts(user: User) -> QuerySet[Account]:
    return Account.objects.all() if user.sees_all_accounts else Account.objects.filter(membership__user=user)


def _sort(request: HttpRequest, credential: Credential | None) -> CredentialSort | None:
    """How the secrets of this credential, or of the one that is added, are entered."""
    if credential is not None:
        return credential_sort(credential.provider)
    sorts = credential_sorts()
    wanted = (request.POST or request.GET).get("provider", "")
    return credential_sort(wanted) or (sorts[0] if sorts else None)
