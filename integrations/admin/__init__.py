"""Connections, their credentials and schedules, and what operators may do to runs and jobs."""

import django_q.admin  # noqa: F401  what is registered there is taken out below
from django.contrib import admin
from django_q.models import Failure, OrmQ, Schedule, Success

from integrations.admin.activity import EventAdmin, EventObjectAdmin
from integrations.admin.applications import OAuthApplicationAdmin
from integrations.admin.budgets import RateBudgetAdmin
from integrations.admin.connections import IntegrationAdmin
from integrations.admin.credentials import CredentialAdmin
from integrations.admin.deliveries import WebhookDeliveryAdmin
from integrations.admin.payloads import RawPayloadAdmin
from integrations.jobs.operations import NotPossible, cancel_job, retry_job, retry_run
from integrations.jobs.registry import UnknownJob
from synclogs.admin.ports import Operations, provide_operations

__all__ = [
    "CredentialAdmin",
    "EventAdmin",
    "EventObjectAdmin",
    "IntegrationAdmin",
    "OAuthApplicationAdmin",
    "RateBudgetAdmin",
    "RawPayloadAdmin",
    "WebhookDeliveryAdmin",
]

provide_operations(
    Operations(
        retry_run=retry_run, retry_job=retry_job, cancel_job=cancel_job, refusals=(NotPossible, UnknownJob)
    )
)

# Their pages show pickles and change rows that only the job tables may change.
for model in (Schedule, Success, Failure, OrmQ):
    if admin.site.is_registered(model):
        admin.site.unregister(model)
