"""What the simulated bank holds, and how it changes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from integrations.providers.monzo.sandbox.clock import Clock, stamp

Record = dict[str, Any]
READABLE = ("uk_retail", "uk_retail_joint", "uk_monzo_flex", "uk_prepaid", "uk_reward_account")
REFUSING = ("uk_monzo_flex_backing_loan",)


@dataclass
class Bank:
    """Everything by id; the transactions of `refused` accounts are answered with 403."""

    clock: Clock
    accounts: dict[str, Record] = field(default_factory=dict)
    pots: dict[str, Record] = field(default_factory=dict)
    transactions: dict[str, Record] = field(default_factory=dict)
    merchants: dict[str, Record] = field(default_factory=dict)
    balances: dict[str, Record] = field(default_factory=dict)
    webhooks: dict[str, Record] = field(default_factory=dict)
    refused: set[str] = field(default_factory=set)

    def accounts_of(self, user_id: str) -> list[Record]:
        """The accounts that a person owns, oldest first."""
        owned = (
            account
            for account in self.accounts.values()
            if any(owner.get("user_id") == user_id for owner in account.get("owners", ()))
        )
        return sorted(owned, key=lambda account: str(account["created"]))

    def transactions_of(self, account_id: str) -> list[Record]:
        """The transactions of an account, oldest first."""
        found = (each for each in self.transactions.values() if each["account_id"] == account_id)
        return sorted(found, key=lambda each: (each["created"], each["id"]))

    def put(self, transactions: Iterable[Record]) -> int:
        """Hold these transactions; merchants come apart, to be expanded on request."""
        count = 0
        for each in transactions:
            record = dict(each)
            if isinstance(record.get("merchant"), dict):
                self.merchants[record["merchant"]["id"]] = record["merchant"]
                record["merchant"] = record["merchant"]["id"]
            self.transactions[record["id"]] = record
            count += 1
        return count

    def shown(self, transaction: Record, *, expand: bool) -> Record:
        """A transaction as it is sent."""
        merchant = transaction.get("merchant")
        if not expand or not isinstance(merchant, str):
            return transaction
        return {**transaction, "merchant": self.merchants.get(merchant, merchant)}

    def settle(self, ids: Iterable[str] = (), change: int = 0) -> list[str]:
        """Settle these pending transactions (all, when none is named), their amount changed by so much."""
        wanted = set(ids)
        settled = []
        for each in self.transactions.values():
            is_pending = not each["settled"] and "decline_reason" not in each
            if is_pending and (not wanted or each["id"] in wanted):
                now = stamp(self.clock.now())
                each |= {"settled": now, "updated": now, "amount_is_pending": False}
                each["amount"] += change
                settled.append(each["id"])
        return settled

    def newest(self) -> datetime | None:
        """When the last transaction was made."""
        times = [each["created"] for each in self.transactions.values()]
        return datetime.fromisoformat(max(times)) if times else None
