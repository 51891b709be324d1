"""Prepares a database for the benchmark `servicetitan`: tables, and as many credentials as are asked for."""

from __future__ import annotations

import os
import sys

import django


def prepare(credentials: int) -> None:
    """Make the tables and the first credentials of the sandbox."""
    from django.core.management import call_command

    from accounts.models import Account
    from integrations.providers.servicetitan.models import ServiceTitanCredential
    from integrations.providers.servicetitan.sandbox.clients import default_client

    call_command("migrate", interactive=False, verbosity=0)
    call_command("createcachetable", verbosity=0)
    for number in range(1, credentials + 1):
        client = default_client(number)
        ServiceTitanCredential.objects.create(
            account=Account.objects.create(name=f"Company {number}"),
            tenant_id=client.tenant,
            client_id=client.client_id,
            secrets={"client_secret": client.client_secret, "app_key": client.app_key},
        )


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "syncplatform.settings")
    django.setup()
    prepare(int(sys.argv[1]))
