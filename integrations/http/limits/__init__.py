"""Call budgets: how often a vendor may be called, shared by every thread, worker and host."""

from integrations.http.limits.budget import Budget, shared_budget
from integrations.http.limits.declared import Limits, Window

__all__ = ["Budget", "Limits", "Window", "shared_budget"]
