"""Monzo, as the engine knows it."""

from __future__ import annotations

from django.conf import settings

from integrations import registry
from integrations.demonstration import Demonstration
from integrations.oauth import OAuth
from integrations.providers.monzo import jobs
from integrations.providers.monzo.client import PROVIDER, token_endpoint
from integrations.providers.monzo.connecting import connected, forget, identify
from integrations.providers.monzo.jobs.webhook import read_delivery
from integrations.registry import InstanceType
from integrations.sandbox.base import ProviderSandbox
from integrations.webhooks.declaration import Webhook
from integrations.webhooks.verifiers import AddressOnly


def _demonstration() -> Demonstration:
    from integrations.providers.monzo.demonstration import DEMONSTRATION

    return DEMONSTRATION


def _sandbox() -> ProviderSandbox:
    from integrations.providers.monzo.sandbox import MonzoSandbox

    return MonzoSandbox()


MONZO = registry.register(
    registry.Provider(
        slug=PROVIDER,
        label="Monzo",
        kind="oauth",
        polled=True,
        jobs=(
            jobs.MonzoAccountPull,
            jobs.MonzoAccountData,
            jobs.MonzoBalancePull,
            jobs.MonzoBalanceData,
            jobs.MonzoPotPull,
            jobs.MonzoPotData,
            jobs.MonzoTransactionPull,
            jobs.MonzoTransactionData,
            jobs.MonzoHistoricalData,
            jobs.MonzoWebhookHook,
        ),
        instance_types={
            "accounts": InstanceType(fetch=jobs.MonzoAccountPull, init=jobs.MonzoHistoricalData),
            "transactions": InstanceType(fetch=jobs.MonzoTransactionPull, hook=jobs.MonzoWebhookHook),
            "pots": InstanceType(fetch=jobs.MonzoPotPull),
            "balances": InstanceType(fetch=jobs.MonzoBalancePull),
        },
        default_instance_type="transactions",
        configuration={
            "type": "object",
            "properties": {
                "update_frequency_minutes": {"type": "number", "minimum": 5},
                "salary_name": {"type": "string"},
            },
        },
        sandbox=_sandbox,
        host_settings=(("MONZO_API_BASE", ""), ("MONZO_AUTH_BASE", "auth")),
        webhook=Webhook(job=jobs.MonzoWebhookHook, verify=AddressOnly(), read=read_delivery),
        demonstration=_demonstration,
        oauth=OAuth(
            authorize_url=lambda: f"{settings.MONZO_AUTH_BASE.rstrip('/')}/",
            endpoint=token_endpoint,
            identify=identify,
            connected=connected,
            forget=forget,
            waits_for_approval=True,
        ),
    )
)
