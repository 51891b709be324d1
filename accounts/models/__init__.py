"""Tenants, their members and the people who sign in."""

from accounts.models.account import PLATFORM_SUBDOMAIN, Account, AccountStatus, Membership
from accounts.models.scoping import AccountScopedManager, AccountScopedQuerySet
from accounts.models.user import User, normalize_ws_username

__all__ = [
    "PLATFORM_SUBDOMAIN",
    "Account",
    "AccountScopedManager",
    "AccountScopedQuerySet",
    "AccountStatus",
    "Membership",
    "User",
    "normalize_ws_username",
]
