"""Believable data of two people: the same seed gives the same ids, amounts and days before now."""

from __future__ import annotations

import random
from datetime import datetime, timedelta
from typing import Any

from integrations.providers.monzo.sandbox.bank import Bank, Record
from integrations.providers.monzo.sandbox.clock import stamp

OWNER, OTHER_OWNER = "user_0000SandboxOwner00001", "user_0000SandboxOwner00002"
SHOPS = (
    ("Larkspur & Co. Café", "eating_out", 485),
    ("Tollgate Bakery", "eating_out", 350),
    ("Greenfold Market", "groceries", 2310),
    ("Harbour Cinema", "entertainment", 1150),
    ("Northline Trains", "transport", 3240),
    ("Quill & Ink Stationers", "shopping", 899),
)
ABROAD = (("Nordlys Books AS", "NOK", 13.77), ("Kissaten Hibiki", "JPY", 1.91), ("Souk Al Bahr", "KWD", 3.93))
KINDS = ("card",) * 14 + ("pot", "transfer", "abroad", "declined", "refund", "debit")


class Generator:
    """Fills a bank. `months` is how far back, `per_month` how many transactions an account has a month.

    Times count back from the last midnight: the same seed gives the same data all day long.
    """

    def __init__(self, bank: Bank, seed: int, months: int, per_month: int) -> None:
        self._bank = bank
        self._chance = random.Random(seed)  # noqa: S311
        self._now = bank.clock.now().replace(hour=0, minute=0, second=0, microsecond=0)
        self._months = months
        self._per_month = per_month
        self._number = 0

    def fill(self) -> None:
        """Accounts of every kind that was seen, two pots, and transactions of the current accounts."""
        current = self._account("uk_retail", OWNER, self._months * 30 + 40)
        joint = self._account("uk_retail_joint", OWNER, 200)
        self._account("uk_monzo_flex", OWNER, 120)
        self._account("uk_monzo_flex_backing_loan", OWNER, 120)
        self._account("uk_loan", OWNER, 90)
        other = self._account("uk_retail", OTHER_OWNER, 400)
        pots = [self._pot(current, "Savings"), self._pot(current, "Holidays"), self._pot(joint, "Savings")]
        pots[1]["deleted"] = True
        for account in (current, joint, other):
            self._transactions(account, pots[0])

    def one(self, account_id: str, kind: str = "card", **changes: Any) -> Record:
        """One more transaction, made now."""
        account = self._bank.accounts[account_id]
        pot = next((pot for pot in self._bank.pots.values() if pot["current_account_id"] == account_id), None)
        record = self._transaction(account, pot, kind, self._bank.clock.now()) | changes
        self._bank.put([record])
        return record

    def _transactions(self, account: Record, pot: Record) -> None:
        opened = datetime.fromisoformat(account["created"])
        days = min(self._months * 30, (self._now - opened).days)
        total = max(1, round(days / 30 * self._per_month))
        moments = sorted(
            self._now - timedelta(seconds=self._chance.uniform(60, days * 86_400)) for _ in range(total)
        )
        for moment in moments:
            self._bank.put([self._transaction(account, pot, self._chance.choice(KINDS), moment)])

    def _id(self, kind: str) -> str:
        self._number += 1
        return f"{kind}_0000Sbx{self._number:06d}{self._chance.randrange(16**8):08x}"

    def _account(self, kind: str, owner: str, days: int) -> Record:
        account_id = self._id("acc")
        self._bank.accounts[account_id] = {
            "id": account_id,
            "closed": False,
            "created": stamp(self._now - timedelta(days=days)),
            "description": owner,
            "type": kind,
            "currency": "GBP",
            "country_code": "GB",
            "owners": [
                {"user_id": owner, "preferred_name": "Robin Example", "preferred_first_name": "Robin"}
            ],
        }
        self._bank.balances[account_id] = {
            "balance": self._chance.randrange(-5_000, 500_000),
            "total_balance": 612_345,
            "currency": "GBP",
            "spend_today": -self._chance.randrange(0, 5_000),
            "local_currency": "",
            "local_exchange_rate": 0,
            "local_spend": [],
        }
        return self._bank.accounts[account_id]

    def _pot(self, account: Record, name: str) -> Record:
        pot_id = self._id("pot")
        self._bank.pots[pot_id] = {
            "id": pot_id,
            "name": name,
            "style": "beach_ball",
            "balance": self._chance.randrange(100, 200_000),
            "currency": "GBP",
            "type": "default",
            "current_account_id": account["id"],
            "cover_image_url": "",
            "round_up": False,
            "locked": False,
            "created": account["created"],
            "updated": account["created"],
            "deleted": False,
        }
        return self._bank.pots[pot_id]

    def _transaction(self, account: Record, pot: Record | None, kind: str, at: datetime) -> Record:
        amount = -self._chance.randrange(120, 9_000)
        is_pending = kind in ("card", "abroad") and self._now - at < timedelta(days=2)
        record: Record = {
            "id": self._id("tx"),
            "created": stamp(at),
            "description": "SANDBOX",
            "amount": amount,
            "fees": {},
            "currency": "GBP",
            "merchant": None,
            "notes": "",
            "metadata": {},
            "labels": None,
            "attachments": None,
            "category": "general",
            "categories": {},
            "is_load": False,
            "settled": "" if is_pending else stamp(min(at + timedelta(days=1), self._now)),
            "local_amount": amount,
            "local_currency": "GBP",
            "updated": stamp(at),
            "account_id": account["id"],
            "user_id": account["owners"][0]["user_id"],
            "counterparty": {},
            "scheme": "mastercard",
            "dedupe_id": "",
            "originator": False,
            "include_in_spending": True,
            "amount_is_pending": is_pending,
            "parent_account_id": "",
        }
        return record | self._details(kind, record, pot)

    def _details(self, kind: str, record: Record, pot: Record | None) -> Record:
        amount = int(record["amount"])
        if kind == "pot" and pot is not None:
            return {
                "scheme": "uk_retail_pot",
                "description": pot["id"],
                "metadata": {"pot_id": pot["id"]},
                "category": "savings",
                "include_in_spending": False,
            }
        if kind == "transfer":
            other = {"name": "Siân O'Rourke-Ng", "sort_code": "040004", "account_number": "00012398"}
            return {
                "scheme": "payport_faster_payments",
                "amount": -amount,
                "local_amount": -amount,
                "counterparty": other,
                "description": other["name"],
                "category": "transfers",
                "include_in_spending": False,
            }
        if kind == "debit":
            return {"scheme": "bacs", "description": "CANALSIDE ENERGY   DD", "category": "bills"}
        shop = self._shop(*self._chance.choice(SHOPS))
        if kind == "abroad":
            name, currency, rate = self._chance.choice(ABROAD)
            local = {"merchant": self._shop(name, "shopping", 0), "local_currency": currency}
            return {
                **local,
                "local_amount": round(amount * rate),
                "description": f"{name.upper()}     ABROAD",
            }
        if kind == "declined":
            return {
                **shop_fields(shop),
                "decline_reason": "INSUFFICIENT_FUNDS",
                "settled": "",
                "include_in_spending": False,
            }
        if kind == "refund":
            return {**shop_fields(shop), "amount": -amount, "local_amount": -amount}
        return shop_fields(shop)

    def _shop(self, name: str, category: str, _typical: int) -> Record:
        slug = "".join(letter for letter in name.lower() if letter.isalnum())[:16]
        return {
            "id": f"merch_0000Sbx{slug}",
            "group_id": f"grp_0000Sbx{slug}",
            "name": name,
            "logo": f"https://example.invalid/logos/{slug}.png",
            "emoji": "☕" if category == "eating_out" else "",
            "category": category,
            "online": False,
            "atm": False,
            "address": {
                "short_formatted": "14 Weaver Lane, Leeds LS2 7QZ",
                "country": "GBR",
                "approximate": False,
            },
            "metadata": {},
        }


def shop_fields(shop: Record) -> Record:
    """What a card payment at a shop has from it."""
    return {
        "merchant": shop,
        "category": shop["category"],
        "description": f"{shop['name'].upper():<23}LEEDS  GBR",
    }
