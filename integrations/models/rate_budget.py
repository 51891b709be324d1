"""RateBudget: how many calls to a vendor are left in a window, shared by every worker and host."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from django.db import models

from accounts.models import Account
from accounts.models.scoping import AccountScopedManager

if TYPE_CHECKING:
    from django.db.models.manager import Manager


class RateBudget(models.Model):
    """One window of one limit. `scope` says whose limit it is (a tenant, an app, an address).

    `limit` is what may be used: the provider's declaration, or a share of what the vendor states. `reserved`
    counts the cost of reservations by slot of the window (`integrations/http/limits/window.py`).
    `vendor_remaining` calls are left until `vendor_reset_at`, as the vendor said last, less what was reserved
    since. Until `blocked_until` nothing is sent, because the vendor said so for `blocked_reason`.
    """

    account = models.ForeignKey(
        Account, null=True, blank=True, on_delete=models.CASCADE, related_name="rate_budgets"
    )
    provider = models.CharField(max_length=40)
    scope = models.CharField(max_length=200)
    window_seconds = models.PositiveIntegerField()
    limit = models.PositiveBigIntegerField()
    reserved = models.JSONField(default=dict, blank=True)
    vendor_limit = models.PositiveBigIntegerField(null=True, blank=True)
    vendor_remaining = models.BigIntegerField(null=True, blank=True)
    vendor_reset_at = models.DateTimeField(null=True, blank=True)
    blocked_until = models.DateTimeField(null=True, blank=True)
    blocked_reason = models.CharField(max_length=200, blank=True, default="")
    updated_at = models.DateTimeField(auto_now=True)

    objects: ClassVar[Manager[RateBudget]] = AccountScopedManager()

    class Meta:
        db_table = "rate_budgets"
        verbose_name = "call budget"
        ordering = ("provider", "scope", "window_seconds")
        constraints = (
            models.UniqueConstraint(
                fields=("provider", "scope", "window_seconds"), name="rate_budget_window"
            ),
        )

    def __str__(self) -> str:
        return f"{self.provider} {self.scope}: {self.limit} in {self.window_seconds} s"
