"""RateBudget: how many calls to a vendor are left in a window, shared by every worker and host."""

from __future__ import annotations

from django.db import models


class RateBudget(models.Model):
    """One window of one limit. `scope` says whose limit it is (a tenant, an app, an address).

    `used` counts the cost reserved since `window_began_at`. Until `blocked_until` nothing is sent, because
    the vendor said so for `blocked_reason`.
    """

    provider = models.CharField(max_length=40)
    scope = models.CharField(max_length=200)
    window_seconds = models.PositiveIntegerField()
    limit = models.PositiveIntegerField()
    used = models.PositiveIntegerField(default=0)
    window_began_at = models.DateTimeField()
    blocked_until = models.DateTimeField(null=True, blank=True)
    blocked_reason = models.CharField(max_length=200, blank=True, default="")
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        db_table = "rate_budgets"
        ordering = ("provider", "scope", "window_seconds")
        constraints = (
            models.UniqueConstraint(
                fields=("provider", "scope", "window_seconds"), name="rate_budget_window"
            ),
        )

    def __str__(self) -> str:
        return f"{self.provider} {self.scope}: {self.limit} in {self.window_seconds} s"
