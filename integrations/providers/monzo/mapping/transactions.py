"""A transaction as an event between an account and whom the money went to: docs/monzo.md, "Transactions"."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from integrations.http.errors import RecordError
from integrations.providers.monzo.mapping.accounts import DOMAIN, account_stub, pot_stub
from integrations.providers.monzo.mapping.actions import action
from integrations.providers.monzo.mapping.values import (
    currency_of,
    exponent,
    identifier,
    mapping,
    minor_units,
    moment,
    moment_or_none,
    money,
    text,
)
from integrations.sync.activity.drafts import BlockDraft, EventDraft, Measure, ObjectDraft

UNKNOWN = "Unknown"
RATE_PLACES = Decimal("0.000001")
SHOWN_DIGITS = 4


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What mapping a transaction takes besides it.

    `pot_names` are the names of known pots by id; `unverified` says that it is what a webhook claims.
    """

    account_types: Mapping[str, str] = field(default_factory=dict)
    pot_names: Mapping[str, str] = field(default_factory=dict)
    salary_name: str = ""
    unverified: bool = False


def transaction_event(transaction: Any, around: Surroundings) -> EventDraft:
    """One transaction. Raises RecordError when it cannot be one."""
    source_id = identifier(transaction, "transaction")
    account_id = text(transaction, "account_id")
    if not account_id:
        raise RecordError("a transaction without its account", code="missing", field="account_id")
    currency = currency_of(transaction)
    amount = minor_units(transaction, "amount")
    pot_id = _pot_id(transaction, around)
    metadata = _metadata(transaction, account_id)
    if around.unverified:
        metadata["unverified"] = True
    return EventDraft(
        source_id=source_id,
        time=moment(transaction, "created"),
        domain=DOMAIN,
        action=action(transaction, amount, around.salary_name),
        actor=account_stub(account_id, around.account_types.get(account_id, "")),
        target=pot_stub(pot_id, around.pot_names.get(pot_id, "")) if pot_id else counterparty(transaction),
        measure=Measure(amount, 10 ** exponent(currency)),
        unit=currency,
        metadata=metadata,
        blocks=tuple(_blocks(transaction, amount, currency, pot_id, around)),
    )


def status(transaction: Mapping[str, Any]) -> str:
    """declined, settled or pending. There is no such key on the wire."""
    if transaction.get("decline_reason"):
        return "declined"
    return "settled" if moment_or_none(transaction, "settled") else "pending"


def counterparty(transaction: Mapping[str, Any]) -> ObjectDraft:
    """Whom the money went to or came from: a merchant, else who is named as the other side."""
    merchant, other = transaction.get("merchant"), mapping(transaction, "counterparty")
    expanded = merchant if isinstance(merchant, dict) else {}
    title = text(expanded, "name") or text(other, "name") or text(transaction, "description") or UNKNOWN
    return ObjectDraft(
        "counterparty",
        "monzo_counterparty",
        title[:500],
        external_id=_counterparty_id(expanded, merchant, other, title),
        media_url=text(expanded, "logo"),
        metadata={
            "provider": "monzo",
            "category": text(expanded, "category"),
            "emoji": text(expanded, "emoji"),
        }
        if expanded
        else {"provider": "monzo"},
        stub=not expanded and not text(other, "name"),
    )


def _counterparty_id(expanded: Mapping[str, Any], merchant: Any, other: Mapping[str, Any], title: str) -> str:
    """A merchant's group, else the merchant, else a digest of the bank account, else of the name."""
    known = text(expanded, "group_id") or text(expanded, "id")
    if known or (isinstance(merchant, str) and merchant):
        return known or str(merchant)
    sort_code, number = text(other, "sort_code"), text(other, "account_number")
    if sort_code or number:
        return f"cp:{_digest(sort_code, number)}"
    return f"cp:{_digest(title.casefold())}"


def _digest(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:32]


def _pot_id(transaction: Mapping[str, Any], around: Surroundings) -> str:
    """The pot that a transaction fills or empties; empty when it is about no pot."""
    named = text(mapping(transaction, "metadata"), "pot_id")
    if named:
        return named
    other = mapping(transaction, "counterparty")
    candidates = (text(other, "account_id"), text(other, "user_id"), text(transaction, "description"))
    return next((each for each in candidates if each in around.pot_names), "")


def _metadata(transaction: Mapping[str, Any], account_id: str) -> dict[str, Any]:
    merchant = transaction.get("merchant")
    settled = moment_or_none(transaction, "settled")
    return {
        "category": text(transaction, "category"),
        "scheme": text(transaction, "scheme"),
        "notes": text(transaction, "notes"),
        "description": text(transaction, "description"),
        "local_amount": transaction.get("local_amount"),
        "local_currency": text(transaction, "local_currency"),
        "settled": settled.isoformat() if settled else None,
        "status": status(transaction),
        "decline_reason": text(transaction, "decline_reason") or None,
        "merchant_id": text(merchant, "id") if isinstance(merchant, dict) else merchant or None,
        "account_id": account_id,
        "include_in_spending": transaction.get("include_in_spending"),
    }


def _blocks(
    transaction: Mapping[str, Any], amount: int, currency: str, pot_id: str, around: Surroundings
) -> Iterator[BlockDraft]:
    merchant = mapping(transaction, "merchant")
    if merchant:
        yield _merchant_block(merchant)
    if _is_foreign(transaction, currency):
        yield _exchange_block(transaction, amount, currency)
    if pot_id:
        direction = "to" if amount < 0 else "from"
        details = {"direction": direction, "pot_id": pot_id, "pot_name": around.pot_names.get(pot_id, "")}
        yield BlockDraft("pot", "Pot", metadata=details)
    other = mapping(transaction, "counterparty")
    if text(other, "account_number") or text(other, "sort_code"):
        yield _transfer_block(other)
    card = mapping(transaction, "virtual_card") or mapping(mapping(transaction, "metadata"), "virtual_card")
    if card:
        yield BlockDraft("virtual_card", "Virtual card", metadata={"name": text(card, "name")})
    if transaction.get("decline_reason"):
        yield BlockDraft("decline", "Declined", metadata={"reason": text(transaction, "decline_reason")})


def _merchant_block(merchant: Mapping[str, Any]) -> BlockDraft:
    address = mapping(merchant, "address")
    return BlockDraft(
        "merchant",
        "Merchant",
        metadata={
            "name": text(merchant, "name"),
            "category": text(merchant, "category"),
            "address": text(address, "short_formatted") or text(address, "formatted"),
            "online": merchant.get("online") is True,
        },
        media_url=text(merchant, "logo"),
    )


def _is_foreign(transaction: Mapping[str, Any], currency: str) -> bool:
    return bool(text(transaction, "local_currency")) and text(transaction, "local_currency") != currency


def _exchange_block(transaction: Mapping[str, Any], amount: int, currency: str) -> BlockDraft:
    """Both amounts, and how much of the merchant's currency one unit of the account's bought."""
    local = currency_of(transaction, "local_currency")
    paid = money(transaction, "local_amount", local)
    ours = Decimal(amount) / 10 ** exponent(currency)
    theirs = Decimal(paid.value or 0) / (paid.multiplier or 1)
    rate = f"{(theirs / ours).quantize(RATE_PLACES)}" if ours else None
    return BlockDraft(
        "foreign_exchange",
        "Foreign exchange",
        metadata={
            "amount": str(ours),
            "currency": currency,
            "local_amount": str(theirs),
            "local_currency": local,
            "rate": rate,
        },
        measure=paid,
        unit=local,
    )


def _transfer_block(other: Mapping[str, Any]) -> BlockDraft:
    """The other side of a transfer; of its account number only the end is kept."""
    number = text(other, "account_number")
    return BlockDraft(
        "bank_transfer",
        "Bank transfer",
        metadata={
            "name": text(other, "name"),
            "sort_code": text(other, "sort_code"),
            "account_number": f"****{number[-SHOWN_DIGITS:]}" if number else "",
        },
    )
