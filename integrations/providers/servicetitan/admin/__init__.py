"""The operators' pages of ServiceTitan, and what they add to those of runs."""

from __future__ import annotations

from django.urls import reverse
from django.utils.http import urlencode

from accounts.models import User
from integrations.providers.servicetitan.admin.credential import ServiceTitanCredentialAdmin
from integrations.providers.servicetitan.admin.records import (
    ServiceTitanCustomerAdmin,
    ServiceTitanInvoiceAdmin,
)
from integrations.providers.servicetitan.slug import PROVIDER
from synclogs.admin.ports import RunLink, add_run_link
from synclogs.models import SyncLog

__all__ = ["ServiceTitanCredentialAdmin", "ServiceTitanCustomerAdmin", "ServiceTitanInvoiceAdmin"]


def _changed(model: str) -> RunLink:
    """On to the customers, or the invoices, that a run changed last."""

    def link(run: SyncLog, user: User) -> tuple[str, str] | None:
        allowed = user.has_perm(f"servicetitan.view_servicetitan{model}")
        if run.provider != PROVIDER or run.sync_type not in ("both", f"{model}s") or not allowed:
            return None
        query = urlencode({"last_run__id__exact": str(run.pk)})
        address = reverse(f"admin:servicetitan_servicetitan{model}_changelist")
        return f"{model.capitalize()}s that no later run changed", f"{address}?{query}"

    return link


add_run_link(_changed("customer"))
add_run_link(_changed("invoice"))
