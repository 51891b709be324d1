"""Accounts, the people in them, and what was changed by whom."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.contrib.auth.admin import GroupAdmin as BaseGroupAdmin
from django.contrib.auth.admin import UserAdmin as BaseUserAdmin
from django.contrib.auth.models import Group
from django.core.exceptions import ValidationError
from django.db.models import Count, Model, QuerySet
from django.http import HttpRequest
from django.utils import timezone
from unfold.admin import ModelAdmin, TabularInline
from unfold.contrib.filters.admin import BooleanRadioFilter, ChoicesDropdownFilter, RelatedDropdownFilter
from unfold.decorators import display
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget

from accounts.models import Account, AccountStatus, Membership, User, normalize_ws_username

ACCOUNT_TONES = {
    AccountStatus.ACTIVE.label: "success",
    AccountStatus.GRACE.label: "warning",
    AccountStatus.EXPIRED.label: "danger",
}

admin.site.unregister(Group)


class OperatorUserForm(UserChangeForm):
    """A person, whose WorkStudio name belongs to nobody else."""

    def clean_ws_username(self) -> str:
        """The name, free of blanks. Raises ValidationError when another user carries it in any spelling."""
        name = str(self.cleaned_data.get("ws_username") or "").strip()
        key = normalize_ws_username(name)
        other = User.objects.filter(ws_username_key=key).exclude(pk=self.instance.pk).first() if key else None
        if other is not None:
            raise ValidationError(f"{other} carries this name already.")
        return name


class UserMembershipInline(TabularInline):
    """The accounts whose records a user sees."""

    model = Membership
    extra = 0
    verbose_name = "account"
    verbose_name_plural = "accounts whose records this user sees"
    autocomplete_fields = ("account",)


class AccountMembershipInline(TabularInline):
    """The users who see an account's records."""

    model = Membership
    extra = 0
    verbose_name = "member"
    verbose_name_plural = "members"
    autocomplete_fields = ("user",)


@admin.register(User)
class UserAdmin(BaseUserAdmin, ModelAdmin):  # type: ignore[type-arg]
    """People, their role, their accounts and their WorkStudio name."""

    form = OperatorUserForm
    add_form = UserCreationForm
    change_password_form = AdminPasswordChangeForm
    list_fullwidth = True
    list_filter_submit = True
    list_display = (
        "username",
        "full_name",
        "email",
        "roles",
        "workstudio",
        "active",
        "last_login",
    )
    list_filter = (
        ("groups", RelatedDropdownFilter),
        ("is_active", BooleanRadioFilter),
        ("is_ws_linked", BooleanRadioFilter),
        ("is_superuser", BooleanRadioFilter),
    )
    search_fields = ("username", "first_name", "last_name", "email", "ws_username")
    readonly_fields = ("is_ws_linked", "ws_linked_at", "last_login", "date_joined")
    inlines = (UserMembershipInline,)
    filter_horizontal = ()
    fieldsets = (
        (None, {"fields": ("username", "password")}),
        ("Person", {"fields": ("first_name", "last_name", "email")}),
        (
            "WorkStudio",
            {"fields": ("ws_username", "ws_user_guid", "is_ws_linked", "ws_linked_at", "default_region")},
        ),
        ("May", {"fields": ("is_active", "is_staff", "is_superuser", "groups")}),
        ("Dates", {"fields": ("last_login", "date_joined")}),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[User]:
        """With groups."""
        return super().get_queryset(request).prefetch_related("groups")

    def save_model(self, request: HttpRequest, obj: User, form: Any, change: bool) -> None:
        """Keep the mark of the link in step with the name."""
        if "ws_username" in form.changed_data:
            obj.is_ws_linked = bool(obj.ws_username)
            obj.ws_linked_at = timezone.now() if obj.ws_username else None
        super().save_model(request, obj, form, change)

    @display(description="name", ordering="last_name")
    def full_name(self, user: User) -> str:
        """First and last name."""
        return user.get_full_name() or "–"

    @display(description="roles", label=True)
    def roles(self, user: User) -> list[str]:
        """Groups, and whether the user is above them."""
        names = [group.name for group in user.groups.all()]
        return ["superuser", *names] if user.is_superuser else names

    @display(description="WorkStudio", ordering="ws_username")
    def workstudio(self, user: User) -> str:
        """The name in WorkStudio."""
        return user.ws_username or "–"

    @display(description="active", boolean=True, ordering="is_active")
    def active(self, user: User) -> bool:
        """Whether the user may sign in."""
        return user.is_active

    def formfield_for_manytomany(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """Roles as boxes to tick."""
        kwargs["widget"] = UnfoldAdminCheckboxSelectMultipleWidget()
        return super().formfield_for_manytomany(db_field, request, help_text="", **kwargs)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        """Only a superuser makes superusers."""
        fields = tuple(super().get_readonly_fields(request, obj))
        return fields if request.user.is_superuser else (*fields, "is_superuser")

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody below a superuser changes one, or sets one's password."""
        if obj is not None and obj.is_superuser and not request.user.is_superuser:
            return False
        return bool(super().has_change_permission(request, obj))

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """No: a user who leaves is made inactive, so that what they did keeps its name."""
        return False


@admin.register(Group)
class GroupAdmin(BaseGroupAdmin, ModelAdmin):
    """The roles."""


@admin.register(Account)
class AccountAdmin(ModelAdmin):
    """Tenants. One that leaves is deactivated, never deleted with all its records."""

    list_display = (
        "name",
        "subdomain",
        "state",
        "access",
        "members",
        "owner_email",
        "timezone",
    )
    list_filter = (
        ("status", ChoicesDropdownFilter),
        ("integration_access", BooleanRadioFilter),
    )
    list_fullwidth = True
    list_filter_submit = True
    search_fields = ("name", "subdomain", "owner_email")
    readonly_fields = ("config_version", "created_at", "updated_at")
    inlines = (AccountMembershipInline,)
    fieldsets = (
        (None, {"fields": ("name", "subdomain", "status", "deactivated_at", "owner_email", "timezone")}),
        (
            "Integrations",
            {"fields": ("integration_access", "integrations", "fub_account_id", "config_version")},
        ),
        ("Dates", {"fields": ("created_at", "updated_at")}),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Account]:
        """The user's own accounts, or all for those who see all; with the number of members."""
        accounts: QuerySet[Account] = super().get_queryset(request)
        if isinstance(request.user, User) and not request.user.sees_all_accounts:
            accounts = accounts.filter(pk__in=request.user.membership_set.values("account"))
        return accounts.annotate(member_count=Count("membership"))

    @display(description="status", ordering="status", label=ACCOUNT_TONES)
    def state(self, account: Account) -> str:
        """The status in its color."""
        return account.get_status_display()

    @display(description="integrations", boolean=True, ordering="integration_access")
    def access(self, account: Account) -> bool:
        """Whether it may use the paid integrations."""
        return account.has_integration_access()

    @display(ordering="member_count")
    def members(self, account: Any) -> int:
        """How many users see its records."""
        return int(account.member_count)

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """No: deleting an account would delete every record of it."""
        return False


@admin.register(LogEntry)
class ChangeAdmin(ModelAdmin):
    """Every change that an operator made, newest first."""

    list_display = ("action_time", "user", "content_type", "object_repr", "message")
    list_filter = (("user", RelatedDropdownFilter), ("content_type", RelatedDropdownFilter))
    change_list_template = "admin/operator_list.html"
    empty_title = "Nobody has changed anything yet"
    empty_text = "Whatever an operator does here, from a retry to a link, is written down on this page."
    list_fullwidth = True
    list_filter_submit = True
    list_select_related = ("user", "content_type")
    search_fields = ("object_repr", "change_message")
    fields = ("action_time", "user", "content_type", "object_id", "object_repr", "message")

    @display(description="what")
    def message(self, entry: LogEntry) -> str:
        """What was changed."""
        return entry.get_change_message()

    def has_add_permission(self, request: HttpRequest) -> bool:
        """No: changes write themselves down."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """No: what happened stays."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """No: what happened stays."""
        return False
