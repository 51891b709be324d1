"""What customers and invoices have in common."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self, TypeVar

from django.db import models

from integrations.providers.servicetitan.models.credential import ServiceTitanCredential

if TYPE_CHECKING:
    from accounts.models import Account, User

RecordT = TypeVar("RecordT", bound=models.Model)


class RecordQuerySet(models.QuerySet[RecordT]):
    """Rows that belong to the account of their credential."""

    def for_account(self, account: Account | int) -> Self:
        """Only the rows of one account, given as a row or a primary key."""
        return self.filter(credential__account=account)

    def visible_to(self, user: User) -> Self:
        """Only the rows of the accounts that `user` may see (all of them for a superuser)."""
        if user.sees_all_accounts:
            return self
        return self.filter(credential__account__membership__user=user)


class Money(models.DecimalField[Any, Any]):
    """An amount: 18 digits, four of them after the point, or nothing."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{"max_digits": 18, "decimal_places": 4, "null": True, "blank": True} | kwargs)


def text(**kwargs: Any) -> models.TextField[Any, Any]:
    """A text, or nothing. Enumerations of the vendor are texts too, since they grow."""
    return models.TextField(null=True, blank=True, **kwargs)


def number(**kwargs: Any) -> models.BigIntegerField[Any, Any]:
    """The vendor's number of something, or nothing."""
    return models.BigIntegerField(null=True, blank=True, **kwargs)


def moment(**kwargs: Any) -> models.DateTimeField[Any, Any]:
    """A moment, or nothing."""
    return models.DateTimeField(null=True, blank=True, **kwargs)


def flag() -> models.BooleanField[Any, Any]:
    """Yes, no, or not said."""
    return models.BooleanField(null=True, blank=True)


def document() -> models.JSONField[Any, Any]:
    """An object or a list as the vendor sends it, or nothing."""
    return models.JSONField(null=True, blank=True)


def of_credential(related_name: str) -> models.ForeignKey[Any, Any]:
    """Whose record it is: ids are unique within a credential only."""
    return models.ForeignKey(
        ServiceTitanCredential, on_delete=models.CASCADE, related_name=related_name, db_constraint=False
    )
