"""What is kept of Zuora: customers (tenants that are read), their workflows and the runs of these."""

from integrations.providers.zuora.models.customer import CustomerStatus, ZuoraCustomer
from integrations.providers.zuora.models.workflow import Workflow
from integrations.providers.zuora.models.workflow_run import ENDED_STATUSES, WorkflowRun

__all__ = ["ENDED_STATUSES", "CustomerStatus", "Workflow", "WorkflowRun", "ZuoraCustomer"]
