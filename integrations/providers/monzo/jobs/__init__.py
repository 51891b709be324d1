"""Monzo's jobs: polls, what turns stored pages into activity, the history, webhooks."""

from integrations.providers.monzo.jobs.accounts import MonzoAccountData, MonzoAccountPull
from integrations.providers.monzo.jobs.balances import MonzoBalanceData, MonzoBalancePull
from integrations.providers.monzo.jobs.history import MonzoHistoricalData
from integrations.providers.monzo.jobs.pots import MonzoPotData, MonzoPotPull
from integrations.providers.monzo.jobs.transactions import MonzoTransactionData, MonzoTransactionPull
from integrations.providers.monzo.jobs.webhook import MonzoWebhookHook

__all__ = [
    "MonzoAccountData",
    "MonzoAccountPull",
    "MonzoBalanceData",
    "MonzoBalancePull",
    "MonzoHistoricalData",
    "MonzoPotData",
    "MonzoPotPull",
    "MonzoTransactionData",
    "MonzoTransactionPull",
    "MonzoWebhookHook",
]
