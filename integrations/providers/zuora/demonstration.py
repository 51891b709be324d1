"""Zuora in `manage.py dev`: the customers of the sandbox's tenants."""

from __future__ import annotations

from django.db.models import QuerySet

from accounts.models import Account
from integrations.demonstration import Demonstration
from integrations.providers.zuora import services
from integrations.providers.zuora.hosts import DataCenter
from integrations.providers.zuora.models import Workflow, ZuoraCustomer
from integrations.providers.zuora.sandbox.tenants import DEFAULT_TENANTS
from synclogs.models import Job


def _prepare() -> str:
    account = Account.objects.platform()
    for login in DEFAULT_TENANTS:
        if _customers().filter(client_id=login.client_id).exists():
            continue
        customer = ZuoraCustomer(
            account=account, name=login.name, base_url=DataCenter.US_TEST, client_id=login.client_id
        )
        customer.set_secret(login.client_secret)
        customer.save()
    return f"{len(DEFAULT_TENANTS)} customers, one of each tenant of the sandbox"


def _customers() -> QuerySet[ZuoraCustomer]:
    return ZuoraCustomer.objects.filter(client_id__in=[login.client_id for login in DEFAULT_TENANTS])


def _start() -> list[Job]:
    return [services.queue_sync(customer, force=True) for customer in _customers().order_by("pk")]


DEMONSTRATION = Demonstration(
    noun="workflows",
    prepare=_prepare,
    is_new=lambda: not Workflow.objects.exists(),
    start=_start,
    edit=("touch", {"count": 2}),
)
