from typing import Any

from django.apps import AppConfig
from django.db.models.signals import post_migrate


def create_platform_account(sender: AppConfig, using: str, **kwargs: Any) -> None:
    """Make the account that owns what belongs to all, on every migrated database."""
    from accounts.models import PLATFORM_SUBDOMAIN, Account

    Account.objects.using(using).get_or_create(
        subdomain=PLATFORM_SUBDOMAIN, defaults={"name": "Platform", "integration_access": True}
    )


class AccountsConfig(AppConfig):
    """Tenants, their members and the people who sign in."""

    name = "accounts"
    verbose_name = "Accounts"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Seed the rows that the product relies on after each migrate, and keep roles in step."""
        from accounts import roles

        post_migrate.connect(create_platform_account, sender=self)
        roles.connect()
