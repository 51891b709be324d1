"""Account scoping of rows that belong to a customer."""

from __future__ import annotations

from typing import Self, TypeVar

from django.db import models

from accounts.models import Account, User

ModelT = TypeVar("ModelT", bound=models.Model)


class OfCustomerQuerySet(models.QuerySet[ModelT]):
    """Rows of customers; the customer says whose they are."""

    def for_account(self, account: Account | int) -> Self:
        """Only the rows of one account's customers."""
        return self.filter(customer__account=account)

    def visible_to(self, user: User) -> Self:
        """Only the rows of the accounts that `user` may see."""
        if user.sees_all_accounts:
            return self
        return self.filter(customer__account__membership__user=user)


OfCustomerManager = models.Manager.from_queryset(OfCustomerQuerySet)
