"""Call budgets: how much of each vendor's limits is used, and who stopped it until when."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib import admin
from django.db.models import Model, Q, QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.safestring import SafeString

from integrations.http.limits.window import Tally
from integrations.models import RateBudget
from integrations.registry import label_of
from synclogs.admin import html
from synclogs.admin.base import OperatorAdmin, signed_in_user
from synclogs.admin.filters import ValuesFilter
from synclogs.admin.words import number

PERIODS = ((86_400, "day"), (3600, "hour"), (60, "minute"), (1, "second"))
NEARLY_FULL = 80


class BudgetProviderFilter(ValuesFilter):
    """Budgets of one provider."""

    title = "provider"
    parameter_name = "provider"


@admin.register(RateBudget)
class RateBudgetAdmin(OperatorAdmin):
    """Every window of every limit. Nothing is edited: providers declare them and vendors correct them."""

    list_display: ClassVar[Any] = ("vendor", "whose", "window", "used", "stopped", "stated", "last_call")
    list_display_links = None
    list_filter: ClassVar[Any] = (BudgetProviderFilter,)
    search_fields = ("provider", "scope")
    search_help_text = "Search provider or scope"
    list_select_related = ("account",)
    ordering = ("provider", "scope", "window_seconds")
    empty_title = "No calls yet"
    empty_text = "A budget appears with the first call to a vendor whose limits are declared."

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """No: the engine keeps them."""
        return False

    def get_queryset(self, request: HttpRequest) -> QuerySet[RateBudget]:
        """Those of the user's accounts, and those that all accounts share."""
        rows: QuerySet[RateBudget] = super().get_queryset(request)
        user = signed_in_user(request)
        if user.sees_all_accounts:
            return rows
        return rows.filter(Q(account__isnull=True) | Q(account__in=user.membership_set.values("account")))

    @admin.display(description="provider", ordering="provider")
    def vendor(self, budget: RateBudget) -> str:
        """The vendor."""
        return label_of(budget.provider)

    @admin.display(description="limit of", ordering="scope")
    def whose(self, budget: RateBudget) -> SafeString:
        """Whose limit it is."""
        return html.stacked(budget.scope, html.muted(str(budget.account or "shared by all accounts")))

    @admin.display(ordering="window_seconds")
    def window(self, budget: RateBudget) -> str:
        """How many calls in which time."""
        return f"{number(budget.limit)} in {period(budget.window_seconds)}"

    @admin.display(description="used now")
    def used(self, budget: RateBudget) -> SafeString:
        """How full the window is."""
        used = Tally(budget.window_seconds, budget.reserved).used(timezone.now().timestamp())
        percent = 100 * used / budget.limit if budget.limit else 100.0
        tone = "bad" if percent >= 100 else "warn" if percent >= NEARLY_FULL else "info"
        return html.bar(percent, tone=tone, text=f"{number(used)} of {number(budget.limit)}")

    @admin.display(description="stopped", ordering="blocked_until")
    def stopped(self, budget: RateBudget) -> SafeString:
        """Until when nothing is sent, and why."""
        if budget.blocked_until is None or budget.blocked_until <= timezone.now():
            return html.EMPTY
        until = html.joined(
            [html.label("stopped", "warn"), html.muted("goes on"), html.when(budget.blocked_until)]
        )
        return html.stacked(until, html.muted(budget.blocked_reason))

    @admin.display(description="the vendor says")
    def stated(self, budget: RateBudget) -> SafeString:
        """The limit in its own words, and what it says is left."""
        parts = []
        if budget.vendor_limit is not None:
            parts.append(f"limit {number(budget.vendor_limit)}")
        if budget.vendor_remaining is not None and budget.vendor_reset_at is not None:
            parts.append(f"{number(max(0, budget.vendor_remaining))} left")
        return html.muted(", ".join(parts)) if parts else html.EMPTY

    @admin.display(description="last reserved", ordering="updated_at")
    def last_call(self, budget: RateBudget) -> SafeString:
        """When calls were reserved last."""
        return html.when(budget.updated_at)


def period(seconds: int) -> str:
    """A time in its largest whole unit: `an hour`, `15 minutes`."""
    for length, name in PERIODS:
        if seconds % length == 0:
            count = seconds // length
            if count > 1:
                return f"{number(count)} {name}s"
            return f"{'an' if name == 'hour' else 'a'} {name}"
    return f"{seconds} s"
