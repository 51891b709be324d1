"""Monzo: accounts, balances, pots and transactions of a person's bank account: docs/monzo.md."""
