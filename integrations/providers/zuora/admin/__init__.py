"""The operators' pages of Zuora: customers, workflows, runs."""

from __future__ import annotations

from django.urls import reverse
from django.utils.http import urlencode

from accounts.models import User
from integrations.providers.zuora.admin.customers import ZuoraCustomerAdmin
from integrations.providers.zuora.admin.workflow_runs import WorkflowRunAdmin
from integrations.providers.zuora.admin.workflows import WorkflowAdmin
from integrations.providers.zuora.errors import PROVIDER
from synclogs.admin.ports import add_run_link
from synclogs.models import SyncLog

__all__ = ["WorkflowAdmin", "WorkflowRunAdmin", "ZuoraCustomerAdmin"]


def changed_workflows(run: SyncLog, user: User) -> tuple[str, str] | None:
    """On to the workflows that a run changed last."""
    if run.provider != PROVIDER or not user.has_perm("zuora.view_workflow"):
        return None
    query = urlencode({"last_run__id__exact": str(run.pk)})
    return "Workflows that no later run changed", f"{reverse('admin:zuora_workflow_changelist')}?{query}"


add_run_link(changed_workflows)
