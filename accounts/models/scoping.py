"""Account scoping: one way to ask for the rows that belong to a tenant."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self, TypeVar

from django.db import models

if TYPE_CHECKING:
    from accounts.models.account import Account
    from accounts.models.user import User


ModelT = TypeVar("ModelT", bound=models.Model)


class AccountScopedQuerySet(models.QuerySet[ModelT]):
    """Rows of a table that has an `account` column."""

    def for_account(self, account: Account | int) -> Self:
        """Only the rows of one account, given as a row or a primary key."""
        return self.filter(account=account)

    def visible_to(self, user: User) -> Self:
        """Only the rows of the accounts that `user` may see (all of them for a superuser)."""
        if user.sees_all_accounts:
            return self
        return self.filter(account__membership__user=user)


AccountScopedManager = models.Manager.from_queryset(AccountScopedQuerySet)
