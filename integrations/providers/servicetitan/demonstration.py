"""ServiceTitan in `manage.py dev`: the first tenant of the sandbox, in both environments."""

from __future__ import annotations

from django.db.models import QuerySet

from accounts.models import Account
from integrations.demonstration import Demonstration
from integrations.providers.servicetitan import services
from integrations.providers.servicetitan.config import SyncConfiguration
from integrations.providers.servicetitan.models import (
    ServiceTitanCredential,
    ServiceTitanCustomer,
    TitanEnvironment,
)
from integrations.providers.servicetitan.sandbox.clients import default_client
from synclogs.models import Job

OLD_ENOUGH_SECONDS = 1000
"""Feeds hide what changed within the last fifteen minutes, so the edits are made to look older."""


def _prepare() -> str:
    account = Account.objects.platform()
    for environment in TitanEnvironment.values:
        client = default_client(1, environment)
        if ServiceTitanCredential.objects.filter(account=account, environment=environment).exists():
            continue
        ServiceTitanCredential.objects.create(
            account=account,
            environment=environment,
            tenant_id=client.tenant,
            client_id=client.client_id,
            secrets={"client_secret": client.client_secret, "app_key": client.app_key},
        )
    return f"{_credentials().count()} credentials, one of each environment of the sandbox's first tenant"


def _credentials() -> QuerySet[ServiceTitanCredential]:
    clients = [default_client(1, environment).client_id for environment in TitanEnvironment.values]
    found = ServiceTitanCredential.objects.filter(client_id__in=clients, account=Account.objects.platform())
    return found.select_related("account", "integration")


def _start() -> list[Job]:
    config = SyncConfiguration(incremental_only=True)
    return [services.queue_sync(credential, config) for credential in _credentials().order_by("environment")]


DEMONSTRATION = Demonstration(
    noun="customers and invoices",
    prepare=_prepare,
    is_new=lambda: not ServiceTitanCustomer.objects.exists(),
    start=_start,
    edit=("touch", {"percent": 1, "age_s": OLD_ENOUGH_SECONDS}),
)
